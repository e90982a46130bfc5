"""What the rules made of the latest events: kept in memory, for `explain`, and never read by anything that decides.

        act() ──▶ Trail of the running group ──committed──▶ the sandbox's latest EVENTS_MOST events ──┬▶ GET /-/explain
        glance() ─────────────────────▶ the latest GLANCES_MOST requests that no rule would touch ────┘

An event is kept as it was, with each rule that was asked and how far the event came with it. What the rules would say
that were passed over, and why, is worked out when somebody asks (see `explain`), so that keeping costs little. See
docs/decisions/09.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Generic, NamedTuple, TypeVar

EVENTS_MOST = 5_000
"""So many events of a sandbox are kept."""
EVENTS_MOST_OF_ALL = 50_000
"""So many events of all sandboxes: beyond that, the sandbox that has been quiet for longest is forgotten."""

GLANCES_MOST = 1_000
GLANCES_MOST_OF_ALL = 10_000
"""The same of requests that no rule would touch. They are kept apart: reads would soon have pushed out all else."""

WINDOW_CLOSED = "window_closed"
NOT_MATCHED = "not_matched"
NOT_DRAWN = "not_drawn"
LIMITED = "limited"
CHANGED_NOTHING = "changed_nothing"
INJECTED = "injected"

Asked = tuple[Any, Any, str, Any]
"""The compiled rule, the event as it met it, how far it came, and a word about that: the limit, or the injection."""


NTH = count()
"""Numbers events in the order in which they come."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event at a seam, honest as it came and as it went, and the rules that were there.

    Those of them that could not match it were passed over, not asked: what they would have said is told when it is
    wanted.
    """

    given: Any
    happened: Any
    now_ms: int | None  # None where that was not looked up
    seed: int
    asked: tuple[Asked, ...]
    here: Any  # the rules at the seam, as `mocklend_faults.engine.at_seam` has them
    asked_by: str | None = None  # the request that led to it
    n: int = field(default_factory=NTH.__next__)  # in the order in which they came

    def of(self, rule: Any) -> Asked | None:
        """What this rule, in this revision, made of it; None where it was not there."""
        for asked in self.asked:
            if asked[0].rule.id == rule.id and asked[0].rule.revision == rule.revision:
                return asked
        one = self.here.passing_over(rule)
        if one is None:
            return None
        seen = next((asked[1] for asked in self.asked if asked[0].rule.id > rule.id), self.happened)
        return (one, seen, NOT_MATCHED, None)

    def is_about(self, entity: str | None, loan_id: str | None, request_id: str | None = None) -> bool:
        """Whether it is part of the story of an entity (by any of its ids), of a loan, and of a request."""
        given = self.given
        if request_id is not None and self.asked_by != request_id:
            return False
        if loan_id is not None and getattr(given, "loan_id", None) != loan_id:
            return False
        if entity is None or given.entity == entity:
            return True
        return any(getattr(given, name) == entity for name in given.__slots__ if name.endswith("_id"))


class Glanced(NamedTuple):
    """An event that no rule would touch, as it is kept: cheaply, for a load test makes thousands in a second."""

    given: Any
    now_ms: int | None
    seed: int
    asked: tuple[Asked, ...]
    here: Any
    asked_by: str | None
    n: int

    def event(self) -> Event:
        """The event, for whoever wants to know."""
        return Event(self.given, self.given, self.now_ms, self.seed, self.asked, self.here, self.asked_by, self.n)


Kept = TypeVar("Kept")


class Trail(Generic[Kept]):
    """The latest events of each sandbox. Any thread adds, any thread reads."""

    def __init__(self, most: int = EVENTS_MOST, most_of_all: int = EVENTS_MOST_OF_ALL) -> None:
        self._most = most
        self._most_of_all = most_of_all
        self._kept: OrderedDict[str, deque[Kept]] = OrderedDict()
        self._count = 0
        self._lock = threading.Lock()

    def add(self, sandbox_id: str, events: Iterable[Kept]) -> None:
        """Keep events that are durable now."""
        with self._lock:
            kept = self._kept.setdefault(sandbox_id, deque(maxlen=self._most))
            before = len(kept)
            kept.extend(events)
            self._kept.move_to_end(sandbox_id)
            self._count += len(kept) - before
            while self._count > self._most_of_all and len(self._kept) > 1:
                self._count -= len(self._kept.popitem(last=False)[1])

    def forget(self, sandbox_id: str) -> None:
        """A sandbox is new, or new again."""
        with self._lock:
            self._count -= len(self._kept.pop(sandbox_id, ()))

    def of(self, sandbox_id: str) -> list[Kept]:
        """A sandbox's events, the oldest first."""
        with self._lock:
            return list(self._kept.get(sandbox_id, ()))
