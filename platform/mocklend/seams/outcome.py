"""Checks the outcome of a fault before the platform goes on, by code that `python -O` keeps.

A fault may change the fields of a seam that have a default, and must keep the type of each. A seam with further
conditions overrides `validate(outcome)`, which raises BadOutcome.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from functools import cache
from types import UnionType
from typing import Union, get_args, get_origin, get_type_hints

from mocklend.seams.seam import Seam


class BadOutcome(ValueError):
    """A fault has set a field to a value that the platform cannot accept."""

    def __init__(self, field: str, expected: str, received: object) -> None:
        super().__init__(f"set {field} to {received!r}; the platform accepts {expected}")
        self.field = field


def check_outcome(event: Seam, outcome: object) -> None:
    """Raises BadOutcome if the outcome is not allowed for the event at its seam."""
    if type(outcome) is not type(event):
        raise BadOutcome("the event", f"a {type(event).__name__}", outcome)
    seam: type = type(event)
    for name, types in _fields(seam).items():
        value = getattr(outcome, name)
        if value is getattr(event, name):
            continue
        if types is None:
            if value != getattr(event, name):
                raise BadOutcome(name, f"what it was, {getattr(event, name)!r}", value)
        elif not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            raise BadOutcome(name, f"a value of {' or '.join(kind.__name__ for kind in types)}", value)
    if outcome != event:
        event.validate(outcome)


@cache
def _fields(seam: type) -> Mapping[str, tuple[type, ...] | None]:
    """The fields of a seam with the types of those that a fault may change; None for the others."""
    hints = get_type_hints(seam)
    return {field.name: None if field.default is MISSING else _types(hints[field.name]) for field in fields(seam)}


def _types(hint: object) -> tuple[type, ...]:
    alternatives = get_args(hint) if get_origin(hint) in (UnionType, Union) else (hint,)
    return tuple(get_origin(alternative) or alternative for alternative in alternatives)
