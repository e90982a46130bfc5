"""The result of each rule on the latest events: kept in memory for `explain`, and never read by a decision.

        group.at() ──▶ events of the group ──commit──▶ the sandbox's latest EVENTS_MAX events ──┬▶ GET /-/explain
        may_affect() ──────────▶ the latest REQUESTS_MAX requests that no rule selects ──────────┘

An event is kept as it came, with the result of each rule that was evaluated. The result of a rule that was skipped, and
the reason, is computed when it is read (see `explain`), so that keeping an event costs little. See docs/decisions/09.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import fields
from functools import cache
from itertools import count
from typing import NamedTuple

from mocklend.seams import SEAMS
from mocklend.seams.seam import EventContext, PendingEvent, Seam
from mocklend_faults.engine.rule_index import CompiledRule, RuleIndex
from mocklend_faults.engine.rules import Rule

EVENTS_MAX = 5_000
"""How many events of a sandbox are kept."""
EVENTS_OF_ALL_MAX = 50_000
"""How many events of all sandboxes are kept: beyond that, those of the longest inactive sandbox are dropped."""

REQUESTS_MAX = 2_000
"""How many requests that no rule selects are kept, of all sandboxes: apart, since they would displace all events."""

WINDOW_CLOSED = "window_closed"
NOT_MATCHED = "not_matched"
NOT_DRAWN = "not_drawn"
LIMITED = "limited"
CHANGED_NOTHING = "changed_nothing"
INJECTED = "injected"

RuleResult = tuple[CompiledRule, Seam | PendingEvent, str, str | None]
"""(the compiled rule, the event as it was for that rule, the outcome, the limit or the injection's id).

The outcomes are the constants above, in the order in which a rule is evaluated.
"""


SEQUENCE = count()
"""Sequence numbers of events, in the order in which they come."""


class Event(NamedTuple):
    """One event at a seam, before and after the rules, with the results of the evaluated rules and the seam's index.

    A tuple, since a load test makes thousands in a second.
    """

    context: EventContext
    pending: Seam | PendingEvent  # its `now_ms` is None if the time was not looked up
    outcome: Seam | PendingEvent
    results: tuple[RuleResult, ...]
    rules: RuleIndex
    n: int  # its sequence number

    def of(self, rule: Rule) -> RuleResult | None:
        """The result of this rule in this revision; None if it was not armed at the event."""
        for result in self.results:
            if result[0].rule.id == rule.id and result[0].rule.revision == rule.revision:
                return result
        skipped = self.rules.skipped_rule(rule)
        if skipped is None:
            return None
        event = next((result[1] for result in self.results if result[0].rule.id > rule.id), self.outcome)
        return (skipped, event, NOT_MATCHED, None)

    def is_about(self, entity: str | None, loan_id: str | None, request_id: str | None = None) -> bool:
        """Whether it is about an entity (by any of its ids), a loan and a request; None leaves a condition out."""
        pending = self.pending
        if request_id is not None and self.context.asked_by != request_id:
            return False
        if loan_id is not None and getattr(pending, "loan_id", None) != loan_id:
            return False
        if entity is None or pending.entity == entity:
            return True
        return any(getattr(pending, name) == entity for name in _ids(pending.seam))


class SkippedRequest(NamedTuple):
    """A request that no rule selects, as it is kept."""

    pending: PendingEvent
    results: tuple[RuleResult, ...]
    rules: RuleIndex
    n: int

    def event(self) -> Event:
        """The request as an event."""
        pending = self.pending
        context = EventContext(pending.sandbox_id, pending.seed, pending.now_ms or 0, pending.asked_by)
        return Event(context, pending, pending, self.results, self.rules, self.n)


@cache
def _ids(seam: str) -> tuple[str, ...]:
    return tuple(field.name for field in fields(SEAMS[seam]) if field.name.endswith("_id"))


class Trail:
    """The latest events of each sandbox, and the latest requests that no rule selects. Safe for any thread."""

    def __init__(self, events_max: int = EVENTS_MAX, of_all_max: int = EVENTS_OF_ALL_MAX) -> None:
        self._events_max = events_max
        self._of_all_max = of_all_max
        self._events: OrderedDict[str, deque[Event]] = OrderedDict()
        self._count = 0
        self._requests: deque[SkippedRequest] = deque(maxlen=REQUESTS_MAX)
        self._lock = threading.Lock()

    def add(self, sandbox_id: str, events: Iterable[Event]) -> None:
        """Keep the events of a sandbox. Called once they are durable."""
        with self._lock:
            of_sandbox = self._events.setdefault(sandbox_id, deque(maxlen=self._events_max))
            before = len(of_sandbox)
            of_sandbox.extend(events)
            self._events.move_to_end(sandbox_id)
            self._count += len(of_sandbox) - before
            while self._count > self._of_all_max and len(self._events) > 1:
                self._count -= len(self._events.popitem(last=False)[1])

    def add_skipped(self, request: SkippedRequest) -> None:
        """Keep a request that no rule selects."""
        with self._lock:
            self._requests.append(request)

    def forget(self, sandbox_id: str) -> None:
        """Drop everything about a sandbox, which is new or was reset."""
        with self._lock:
            self._count -= len(self._events.pop(sandbox_id, ()))
            others = [request for request in self._requests if request.pending.sandbox_id != sandbox_id]
            self._requests = deque(others, REQUESTS_MAX)

    def of(self, sandbox_id: str) -> list[Event]:
        """A sandbox's events and requests, oldest first."""
        with self._lock:
            events = list(self._events.get(sandbox_id, ()))
            events += [request.event() for request in self._requests if request.pending.sandbox_id == sandbox_id]
        return sorted(events, key=lambda event: event.n)
