"""The installed kinds of fault: the entry points of the group `mocklend.faults`.

The value of an entry point is a module that defines one `Fault` subclass. A third-party plug-in is found the same way.
A test, or a script that runs from a source tree, passes its kinds instead: `FaultLayer(kinds=[...])`.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import entry_points
from types import MappingProxyType, ModuleType

from mocklend.domain.names import did_you_mean
from mocklend.domain.problems import Refused
from mocklend.seams import SEAMS
from mocklend_faults.engine.fault import Fault, method_of

GROUP = "mocklend.faults"
Catalogue = Mapping[str, type[Fault]]
DESCRIPTION = ("title", "finding", "precondition", "symptom", "heals", "action")
"""The class variables that a kind must have."""


class BadKind(TypeError):
    """An entry point's module defines no valid kind of fault. A server ends with this until that is fixed."""


@cache
def installed() -> Catalogue:
    """Every kind in the entry-point group, by name; looked for once. Raises BadKind."""
    kinds = {}
    for entry in entry_points(group=GROUP):
        kind = fault_in(entry.load())
        if kind.name != entry.name:
            raise BadKind(f"entry point {entry.name!r} holds fault {kind.name!r}")
        missing = [name for name in DESCRIPTION if not hasattr(kind, name)]
        if missing:
            raise BadKind(f"fault {kind.name!r} lacks {', '.join(missing)}")
        unknown = [name for name in _methods(kind) if name not in map(method_of, SEAMS)]
        if unknown:
            raise BadKind(f"fault {kind.name!r} has methods that belong to no seam: {', '.join(unknown)}")
        kinds[kind.name] = kind
    return MappingProxyType(dict(sorted(kinds.items())))


def named(kinds: Iterable[type[Fault]]) -> Catalogue:
    """These kinds, by name."""
    return {kind.name: kind for kind in sorted(kinds, key=lambda kind: kind.name)}


def fault_in(module: ModuleType) -> type[Fault]:
    """The one fault that a module defines. Raises BadKind."""
    kinds = [
        var
        for var in vars(module).values()
        if isinstance(var, type) and issubclass(var, Fault) and var.__module__ == module.__name__
    ]
    if len(kinds) != 1:
        raise BadKind(f"{module.__name__} should define one fault, and defines {len(kinds)}")
    return kinds[0]


def _methods(kind: type[Fault]) -> list[str]:
    """The public methods that a kind adds."""
    return [name for name, value in vars(kind).items() if inspect.isfunction(value) and not name.startswith("_")]


def find(catalogue: Catalogue, name: str) -> type[Fault]:
    """The kind of that name. Raises Refused `fault_unknown`, which lists the names."""
    if name not in catalogue:
        names = ", ".join(catalogue)
        raise Refused(
            "fault_unknown",
            f"unknown fault {name[:80]!r}; known: {names}{did_you_mean(name, catalogue)}",
            expected=names,
            received=name[:80],
        )
    return catalogue[name]
