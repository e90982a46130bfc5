"""Sequence numbers of events that come without one: which request about an entity this is, in this process.

        entity ─▶ known ─ forgotten ─▶ the highest number that has an injection ─ none ─▶ 0, and one more

Each order has a key of its own, and a load test makes millions of them: so what has not been asked about for long is
forgotten. For forgotten entities only the highest number that has an injection is kept, as it is after a restart, for
no two injections may have the same number.
"""

from __future__ import annotations

import threading

from cachetools import LRUCache

from mocklend.seams.seam import PendingEvent

ENTITIES_MAX = 100_000
"""So many entities are known at one time, beside those that have an injection; the longest unasked go."""


class Numbers:
    """One sandbox's numbers, for any thread. `struck` is the highest number of each entity that has an injection."""

    def __init__(self, struck: dict[str, int], most: int = ENTITIES_MAX) -> None:
        self._struck = struck
        self._known: LRUCache[str, int] = LRUCache(most)
        self._lock = threading.Lock()

    def number(self, event: PendingEvent) -> None:
        """Tell an event its occurrence, unless it has one."""
        if not event.occurrence:
            event.occurrence = self.next(event.entity)

    def next(self, entity: str) -> int:
        """The number of one more event, from 1."""
        with self._lock:
            last = self._known.get(entity)
            if last is None:
                last = self._struck.get(entity, 0)
            self._known[entity] = last + 1
        return last + 1

    def strike(self, entity: str, number: int) -> None:
        """A rule has injected something into this event."""
        with self._lock:
            self._struck[entity] = max(number, self._struck.get(entity, 0))
            if entity in self._known:  # It may have been forgotten and have begun anew since it was given this number.
                self._known[entity] = max(number, self._known[entity])
