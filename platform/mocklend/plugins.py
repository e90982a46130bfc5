"""What other packages add to Mocklend, found by entry point: a fault layer, its endpoints."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec


@cache
def entries_of(group: str) -> tuple[EntryPoint, ...]:
    """The entry points of a group, looked for once: that reads the metadata of every installed package."""
    return tuple(entry_points(group=group))


def installed(group: str) -> Iterator[EntryPoint]:
    """Yield the entry points of a group whose package exists: an entry may outlive its package."""
    for entry in entries_of(group):
        if find_spec(entry.module.partition(".")[0]) is not None:
            yield entry
