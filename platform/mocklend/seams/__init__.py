"""Every place where a fault may act, one file each: plain data in, plain data out.

A seam is a frozen dataclass. The platform fills one in with what would honestly happen, hands it over, and does what
comes back. A fault changes fields (`dataclasses.replace`) and nothing else: it sees no database, network, clock or
generator.

        platform ── event ──▶ group.at() ── outcome ──▶ platform carries on with it
                                  │
                                  └─ writes: the injection's journal row, in the same commit

Each seam also says what a change *means*: `consequence(happened)` is what a reconciler should find, how much is at
stake and which signal of the platform ends it. So a fault is only a transformation, and its line in the answer key
follows from the seam. That answer is worked out before anything is shown, and never from the audit.

Contract for a new seam: it inherits `Seam`, or what of it fits; fields that a fault may change come last and have the
honest value as their default; `entity` and `occurrence` are the entity's own (never arrival order), so that the same
story makes the same choice in any interleaving. A file here is all that names it: `_find` looks into each.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from mocklend.seams.seam import Seam


def _find() -> dict[str, type[Seam]]:
    """The seams that the modules of this package define, in the order of their names."""
    found: dict[str, type[Seam]] = {}
    for info in iter_modules(__path__, f"{__name__}."):
        for value in vars(import_module(info.name)).values():
            if not isinstance(value, type) or not issubclass(value, Seam) or value.__module__ != info.name:
                continue
            if "seam" in vars(value):  # A base of several seams has no name.
                assert value.seam not in found, f"two seams are called {value.seam}"
                found[value.seam] = value
    return dict(sorted(found.items()))


SEAMS = _find()
"""Each seam by its name."""
