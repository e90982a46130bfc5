"""What one rule did to the events in memory: how many had each outcome and why, what was drawn, and a page of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from mocklend_faults.engine.explain import NOT_ARMED, draw_of, explain_event, failed_condition, outcome_of
from mocklend_faults.engine.rules import Rule
from mocklend_faults.engine.trail import CHANGED_NOTHING, INJECTED, LIMITED, NOT_DRAWN, NOT_MATCHED, Event

DRAWN = (NOT_DRAWN, LIMITED, CHANGED_NOTHING, INJECTED)
"""The outcomes of events for which a number was drawn."""
VALUES_MAX = 3
"""How many values of events that did not match are listed, those that came most."""


@dataclass(frozen=True, slots=True)
class Unmatched:
    """How many events did not match because they had a value in a field where the rule wanted another."""

    field: str
    value: str | None
    count: int


@dataclass(frozen=True, slots=True)
class RuleHistory:
    """The events in memory at a rule's seams, since it was armed in its present form.

    `draws` are (u, threshold) of the newest drawn events; `page` has the events newest first, each with its number `n`,
    and `next` is the number after which the next page begins.
    """

    events: int
    outcomes: Counter[str]
    unmatched: Sequence[Unmatched]
    limits: Counter[str]
    draws: Sequence[tuple[float, float]]
    page: Sequence[dict[str, object]]
    next: int | None


def rule_history(
    rule: Rule, events: Iterable[Event], *, outcome: str | None, before: int | None, limit: int, draws_max: int
) -> RuleHistory:
    """What a rule did to these events, which are oldest first; `outcome` and `before` choose the page."""
    seams = rule.fault.seams()
    newest_first = [event for event in reversed(list(events)) if event.pending.seam in seams]
    outcomes: Counter[str] = Counter()
    limits: Counter[str] = Counter()
    had: Counter[tuple[str, str | None]] = Counter()
    drawn: list[tuple[float, float]] = []
    for event in newest_first:
        result = event.of(rule)
        if result is None:
            continue
        compiled, at_rule, came, detail = result
        outcomes[came] += 1
        if came == LIMITED:
            limits[detail or ""] += 1
        elif came == NOT_MATCHED:
            condition, value = failed_condition(result)
            had[condition.field, None if value is None else str(value)] += 1
        if came in DRAWN and len(drawn) < draws_max:
            drawn.append(draw_of(event, compiled, at_rule))
    shown = list(islice(_page(rule, newest_first, outcome, before), limit + 1))
    return RuleHistory(
        events=outcomes.total(),
        outcomes=outcomes,
        unmatched=[Unmatched(*key, count) for key, count in had.most_common(VALUES_MAX)],
        limits=limits,
        draws=drawn,
        page=[{**explain_event(rule, event), "n": event.n} for event in shown[:limit]],
        next=shown[limit - 1].n if len(shown) > limit else None,
    )


def _page(rule: Rule, newest_first: Iterable[Event], outcome: str | None, before: int | None) -> Iterable[Event]:
    for event in newest_first:
        if before is not None and event.n >= before:
            continue
        came = outcome_of(rule, event)
        if came == outcome or (outcome is None and came != NOT_ARMED):
            yield event
