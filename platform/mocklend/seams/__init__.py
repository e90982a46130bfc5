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

Contract for a new seam: fields that a fault may change come last and have the honest value as their default;
`entity` and `occurrence` are the entity's own (never arrival order), so that the same story makes the same choice
in any interleaving. A new one is a file here: each module of this package that defines a seam is found by `_find`.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Any


def _find() -> dict[str, type[Any]]:
    """The seams that the modules of this package define: each class of a module that has a name at a seam."""
    found: dict[str, type[Any]] = {}
    for info in iter_modules(__path__, f"{__name__}."):
        for value in vars(import_module(info.name)).values():
            name = vars(value).get("seam") if isinstance(value, type) and value.__module__ == info.name else None
            if isinstance(name, str):
                assert name not in found, f"two seams are called {name}"
                found[name] = value
    return dict(sorted(found.items()))


SEAMS: dict[str, type[Any]] = _find()
"""Each seam by its name, in the order of the names."""
