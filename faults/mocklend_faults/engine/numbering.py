"""Sequence numbers of events that come without one: the n-th request about an entity.

        alone     entity ─▶ in memory ─ evicted ─▶ the highest number that has an injection ─ none ─▶ 0; plus 1
        shared    entity ─▶ its row in the database; plus 1

Each order has a key of its own, and a load test makes millions of them, so entities are evicted least recently used
first. For evicted entities only the highest number that has an injection is kept, as after a restart, since no two
injections may have the same number.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

from cachetools import LRUCache
from sqlalchemy import Connection

from mocklend.seams.seam import PendingEvent
from mocklend.storage.snapshot import SandboxReader
from mocklend_faults.engine import journal

Transaction = Callable[[], AbstractContextManager[Connection]]
"""Opens a small write transaction."""

ENTITIES_MAX = 100_000
"""How many entities are in memory, besides those that have an injection."""


class Numbers:
    """One sandbox's numbers, safe for any thread. `injected` is, by entity, the highest number with an injection."""

    def __init__(self, injected: dict[str, int], entities_max: int = ENTITIES_MAX) -> None:
        self._injected = injected
        self._last: LRUCache[str, int] = LRUCache(entities_max)
        self._lock = threading.Lock()

    def number(self, event: PendingEvent) -> None:
        """Set the event's occurrence, unless it has one."""
        if not event.occurrence:
            event.occurrence = self.next(event.entity)

    def next(self, entity: str) -> int:
        """The number of the entity's next event, from 1."""
        with self._lock:
            last = self._last.get(entity)
            if last is None:
                last = self._injected.get(entity, 0)
            self._last[entity] = last + 1
        return last + 1

    def keep(self, entity: str, number: int) -> None:
        """Keep the number of an event with an injection, for when its entity is evicted."""
        with self._lock:
            self._injected[entity] = max(number, self._injected.get(entity, 0))
            if entity in self._last:  # Since this event, the entity may have been evicted and numbered again.
                self._last[entity] = max(number, self._last[entity])


class NumbersInDatabase:
    """One sandbox's numbers if several processes serve the database: each is a small write, by any thread.

    It does not wait for the disk: a number is on the disk before the injection that has it, whose commit comes later.
    """

    def __init__(self, sandbox_id: str, transaction: Transaction) -> None:
        self._sandbox_id = sandbox_id
        self._transaction = transaction

    def number(self, event: PendingEvent) -> None:
        """Set the event's occurrence, unless it has one. Raises Unavailable."""
        if not event.occurrence:
            event.occurrence = self.next(event.entity)

    def next(self, entity: str) -> int:
        """The number of the entity's next event, from 1. Raises Unavailable."""
        with self._transaction() as connection:
            numbers = SandboxReader(connection, self._sandbox_id).rows(int, journal.NEXT_NUMBER, entity=entity)
        return numbers[0] if numbers else 1  # The sandbox was deleted meanwhile.

    def keep(self, entity: str, number: int) -> None:
        """Nothing: the database has it."""
