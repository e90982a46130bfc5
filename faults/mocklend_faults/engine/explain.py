"""Why each rule did or did not change the events of one entity, loan or request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import NotRequired, TypedDict

from mocklend.sandboxes.timestamps import maybe_rfc3339, rfc3339
from mocklend.seams.seam import PendingEvent, Seam
from mocklend_faults.engine.matching import Condition
from mocklend_faults.engine.rule_index import CompiledRule
from mocklend_faults.engine.rules import Rule
from mocklend_faults.engine.selection import SPAN
from mocklend_faults.engine.trail import (
    CHANGED_NOTHING,
    INJECTED,
    LIMITED,
    NOT_DRAWN,
    NOT_MATCHED,
    WINDOW_CLOSED,
    Event,
    RuleResult,
)

NOT_ARMED = "not_armed"
OUTCOMES = (NOT_ARMED, WINDOW_CLOSED, NOT_MATCHED, NOT_DRAWN, LIMITED, CHANGED_NOTHING, INJECTED)
"""The outcomes of a rule on an event, in the order of its evaluation."""


class ExplainedRuleDoc(TypedDict):
    """A rule and its outcome on each event. An event has, beside `why`, the figures of its outcome by their names."""

    rule: str
    fault: str
    enabled: bool
    events: list[dict[str, object]]
    why: NotRequired[str]


def explain_rules(
    rules: Iterable[Rule], events: Sequence[Event], *, outcome: str | None = None, limit: int | None = None
) -> list[ExplainedRuleDoc]:
    """Each rule, by id, with its outcome on each of these events at its seams; or why there is no such event.

    With `outcome` only the events that had it; with `limit` only so many of each rule, the newest.
    """
    return [_explain_rule(rule, events, outcome, limit) for rule in sorted(rules, key=lambda rule: rule.id)]


def _explain_rule(rule: Rule, events: Sequence[Event], outcome: str | None, limit: int | None) -> ExplainedRuleDoc:
    seams = rule.fault.seams()
    newest_first = (event for event in reversed(events) if event.pending.seam in seams)
    wanted = (event for event in newest_first if outcome is None or outcome_of(rule, event) == outcome)
    at_seams = [explain_event(rule, event) for event in islice(wanted, limit)]
    document: ExplainedRuleDoc = {
        "rule": rule.id,
        "fault": rule.fault.name,
        "enabled": rule.enabled,
        "events": at_seams[::-1],
    }
    if not at_seams:
        with_outcome = "" if outcome is None else f" with the outcome {outcome}"
        document["why"] = f"no event in memory is at {' or '.join(seams)}{with_outcome}"
    return document


def outcome_of(rule: Rule, event: Event) -> str:
    """The outcome of a rule on an event at one of its seams."""
    result = event.of(rule)
    return NOT_ARMED if result is None else result[2]


def explain_event(rule: Rule, event: Event) -> dict[str, object]:
    """A rule's outcome on an event at one of its seams, and the figures that decided it."""
    pending = event.pending
    document: dict[str, object] = {
        "seam": pending.seam,
        "entity": pending.entity,
        "loan_id": getattr(pending, "loan_id", None) or None,
        "occurrence": pending.occurrence,
        "at": maybe_rfc3339(pending.now_ms),
        "request_id": event.context.asked_by,
    }
    result = event.of(rule)
    if result is not None:
        return document | {"outcome": result[2]} | _why(event, result)
    return document | {"outcome": NOT_ARMED, "why": "the rule in its present form was not armed then"}


def _why(event: Event, result: RuleResult) -> dict[str, object]:
    compiled, at_rule, outcome, detail = result
    rule = compiled.rule
    if outcome == INJECTED:
        return _drawn(event, compiled, at_rule) | {"why": f"injected: {detail}", "injection": detail}
    if outcome == CHANGED_NOTHING:
        return _drawn(event, compiled, at_rule) | {"why": f"{rule.fault.name} had nothing to change in this event"}
    if outcome == LIMITED:
        return _drawn(event, compiled, at_rule) | {"why": f"the limit {detail} does not allow it", "limit": detail}
    if outcome == WINDOW_CLOSED:
        start, end = compiled.start_ms, compiled.end_ms
        schedule = rule.activate.schedule
        when = f"from {rfc3339(start)}" + (f" to {maybe_rfc3339(end)}" if end is not None else " on")
        return {"why": f"it acts {when}" + (f", on the schedule {schedule.source} in {rule.zone}" if schedule else "")}
    if outcome == NOT_DRAWN:
        u, threshold = draw_of(event, compiled, at_rule)
        why = f"the draw does not select it: u = {u:.6f} is not below {threshold:.6f}"
        return _drawn(event, compiled, at_rule) | {"why": why}
    failed, value = failed_condition(result)
    return {
        "why": f"{failed.field} is {value!r}, not {failed.operator} {failed.operand!r}",
        "field": failed.field,
        "wanted": {failed.operator: failed.operand},
        "had": value,
    }


def failed_condition(result: RuleResult) -> tuple[Condition, object]:
    """The first condition of a rule that an event does not meet, and what the event has there."""
    compiled, at_rule, _, _ = result
    conditions = zip(compiled.rule.match.conditions, compiled.checks, strict=True)
    failed = next(condition for condition, check in conditions if not check(at_rule))
    return failed, _value(failed, at_rule)


def _drawn(event: Event, compiled: CompiledRule, at_rule: Seam | PendingEvent) -> dict[str, object]:
    u, threshold = draw_of(event, compiled, at_rule)
    return {"u": u, "threshold": threshold}


def draw_of(event: Event, compiled: CompiledRule, at_rule: Seam | PendingEvent) -> tuple[float, float]:
    """The number that was drawn for the event, and the threshold below which it is selected; both from 0 to 1."""
    select = compiled.rule.select
    u = select.draw(
        seed=event.context.seed,
        rule=compiled.rule.id,
        seam=at_rule.seam,
        entity=at_rule.entity,
        occurrence=at_rule.occurrence,
    )
    threshold = select.threshold if compiled.threshold is None else compiled.threshold(event.context.now_ms)
    return u / SPAN, threshold / SPAN


def _value(condition: Condition, event: Seam | PendingEvent) -> object:
    first, *rest = condition.field.split(".")
    value = getattr(event, first, None)
    for key in rest:
        value = value.get(key) if isinstance(value, Mapping) else None
    return dict(value) if isinstance(value, Mapping) else value
