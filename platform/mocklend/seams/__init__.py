"""Every place where a fault may act, one file each: plain data in, plain data out.

A seam is a frozen dataclass. The platform fills it with what would happen without faults, passes it to the fault layer,
and does what the outcome says. A fault changes fields (`dataclasses.replace`) and nothing else: it has no access to the
database, network, clock or random generator.

        platform ── event ──▶ group.at() ── outcome ──▶ platform carries on with it
                                  │
                                  └─ writes: the injection's journal row, in the same commit

Each seam also says what a change *means*: `consequence(outcome)` is the finding that a reconciler should report, the
amount at stake and the signal of the platform that ends it. So a fault is only a transformation, and its entry on the
answer key follows from the seam. The entry is computed before anything is shown, and never from the audit.

Contract for a new seam: it inherits `Seam` or one of its subclasses; fields that a fault may change come last and have
the honest value as their default; `entity` and `occurrence` are the entity's own (never arrival order), so that the
same story makes the same choice in any interleaving. No other file lists the seams: `_find` imports every module here.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from mocklend.seams.edges import Edge
from mocklend.seams.seam import Seam


def _find() -> dict[str, type[Seam]]:
    """Return the seams that the modules of this package define, in the order of their names."""
    seams: dict[str, type[Seam]] = {}
    for info in iter_modules(__path__, f"{__name__}."):
        for value in vars(import_module(info.name)).values():
            if not isinstance(value, type) or not issubclass(value, Seam) or value.__module__ != info.name:
                continue
            if "seam" in vars(value):  # A base of several seams has no name.
                assert value.seam not in seams, f"two seams are called {value.seam}"
                seams[value.seam] = value
    return dict(sorted(seams.items()))


SEAMS = _find()
"""The seams by name."""

SEAM_EDGES: dict[str, Edge] = {name: seam.edge for name, seam in SEAMS.items()}
"""The edge of the chain of each seam, by the seam's name."""
