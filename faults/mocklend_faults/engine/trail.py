"""What the rules made of the latest events: kept in memory, for `explain`, and never read by anything that decides.

        group.at() ──▶ events of the group ──commit──▶ the sandbox's latest EVENTS_MAX events ──┬▶ GET /-/explain
        may_affect() ──────────▶ the latest REQUESTS_MAX requests that no rule would touch ──────┘

An event is kept as it was, with each rule that was asked and how far the event came with it. What the rules would say
that were skipped, and why, is worked out when somebody asks (see `explain`), so that keeping costs little. See
docs/decisions/09.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import fields
from functools import cache
from itertools import count
from typing import Any, NamedTuple

from mocklend.seams import SEAMS
from mocklend.seams.seam import EventContext, PendingEvent
from mocklend_faults.engine.rule_index import RuleIndex
from mocklend_faults.engine.rules import Rule

EVENTS_MAX = 5_000
"""So many events of a sandbox are kept."""
EVENTS_OF_ALL_MAX = 50_000
"""So many events of all sandboxes: beyond that, the sandbox that has been quiet for longest is forgotten."""

REQUESTS_MAX = 2_000
"""So many requests of all sandboxes that no rule would touch. They are kept apart: they would push out all else."""

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


class Event(NamedTuple):
    """One event at a seam, honest as it came and as it went, and the rules that were there.

    Those of them that could not match it were skipped, not asked: what they would have said is told when it is
    wanted. A tuple, for a load test makes thousands in a second.
    """

    context: EventContext
    pending: Any  # its time is None where that was not looked up
    outcome: Any
    asked: tuple[Asked, ...]
    rules: RuleIndex
    n: int  # in the order in which they came

    def of(self, rule: Rule) -> Asked | None:
        """What this rule, in this revision, made of it; None where it was not there."""
        for asked in self.asked:
            if asked[0].rule.id == rule.id and asked[0].rule.revision == rule.revision:
                return asked
        one = self.rules.skipped_rule(rule)
        if one is None:
            return None
        seen = next((asked[1] for asked in self.asked if asked[0].rule.id > rule.id), self.outcome)
        return (one, seen, NOT_MATCHED, None)

    def is_about(self, entity: str | None, loan_id: str | None, request_id: str | None = None) -> bool:
        """Whether it is part of the story of an entity (by any of its ids), of a loan, and of a request."""
        pending = self.pending
        if request_id is not None and self.context.asked_by != request_id:
            return False
        if loan_id is not None and getattr(pending, "loan_id", None) != loan_id:
            return False
        if entity is None or pending.entity == entity:
            return True
        return any(getattr(pending, name) == entity for name in _ids(pending.seam))


class SkippedRequest(NamedTuple):
    """A request that no rule would touch, as it is kept."""

    pending: PendingEvent
    asked: tuple[Asked, ...]
    rules: RuleIndex
    n: int

    def event(self) -> Event:
        """The event, for whoever wants to know."""
        pending = self.pending
        context = EventContext(pending.sandbox_id, pending.seed, pending.now_ms or 0, pending.asked_by)
        return Event(context, pending, pending, self.asked, self.rules, self.n)


@cache
def _ids(seam: str) -> tuple[str, ...]:
    return tuple(field.name for field in fields(SEAMS[seam]) if field.name.endswith("_id"))


class Trail:
    """The latest events of each sandbox, and the latest requests that no rule would touch. For any thread."""

    def __init__(self, most: int = EVENTS_MAX, of_all_max: int = EVENTS_OF_ALL_MAX) -> None:
        self._max = most
        self._of_all_max = of_all_max
        self._kept: OrderedDict[str, deque[Event]] = OrderedDict()
        self._count = 0
        self._requests: deque[SkippedRequest] = deque(maxlen=REQUESTS_MAX)
        self._lock = threading.Lock()

    def add(self, sandbox_id: str, events: Iterable[Event]) -> None:
        """Keep events that are durable now."""
        with self._lock:
            kept = self._kept.setdefault(sandbox_id, deque(maxlen=self._max))
            before = len(kept)
            kept.extend(events)
            self._kept.move_to_end(sandbox_id)
            self._count += len(kept) - before
            while self._count > self._of_all_max and len(self._kept) > 1:
                self._count -= len(self._kept.popitem(last=False)[1])

    def add_skipped(self, request: SkippedRequest) -> None:
        """Keep a request that no rule would touch."""
        with self._lock:
            self._requests.append(request)

    def forget(self, sandbox_id: str) -> None:
        """A sandbox is new, or new again."""
        with self._lock:
            self._count -= len(self._kept.pop(sandbox_id, ()))
            kept = [request for request in self._requests if request.pending.sandbox_id != sandbox_id]
            self._requests = deque(kept, REQUESTS_MAX)

    def of(self, sandbox_id: str) -> list[Event]:
        """A sandbox's events and requests, the oldest first."""
        with self._lock:
            events = list(self._kept.get(sandbox_id, ()))
            events += [request.event() for request in self._requests if request.pending.sandbox_id == sandbox_id]
        return sorted(events, key=lambda event: event.n)
