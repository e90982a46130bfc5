"""Why each rule did or did not change the events of one entity, loan or request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NotRequired, TypedDict

from mocklend.sandboxes.timestamps import maybe_rfc3339, rfc3339
from mocklend.seams.seam import PendingEvent, Seam
from mocklend_faults.engine.matching import Condition
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


def explain_rules(rules: Iterable[Rule], events: Sequence[Event]) -> list[ExplainedRuleDoc]:
    """Each rule, by id, with its outcome on each of these events at its seams; or why there is no such event."""
    return [_explain_rule(rule, events) for rule in sorted(rules, key=lambda rule: rule.id)]


def _explain_rule(rule: Rule, events: Sequence[Event]) -> ExplainedRuleDoc:
    seams = rule.fault.seams()
    at_seams = [_explain_event(rule, event) for event in events if event.pending.seam in seams]
    document: ExplainedRuleDoc = {
        "rule": rule.id,
        "fault": rule.fault.name,
        "enabled": rule.enabled,
        "events": at_seams,
    }
    if not at_seams:
        document["why"] = f"no event in memory is at {' or '.join(seams)}"
    return document


def _explain_event(rule: Rule, event: Event) -> dict[str, object]:
    pending = event.pending
    document: dict[str, object] = {
        "seam": pending.seam,
        "entity": pending.entity,
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
        return {"why": f"injected: {detail}", "injection": detail}
    if outcome == CHANGED_NOTHING:
        return {"why": f"{rule.fault.name} had nothing to change in this event"}
    if outcome == LIMITED:
        return {"why": f"the limit {detail} does not allow it", "limit": detail}
    if outcome == WINDOW_CLOSED:
        start, end = compiled.start_ms, compiled.end_ms
        schedule = rule.activate.schedule
        when = f"from {rfc3339(start)}" + (f" to {maybe_rfc3339(end)}" if end is not None else " on")
        return {"why": f"it acts {when}" + (f", on the schedule {schedule.source} in {rule.zone}" if schedule else "")}
    if outcome == NOT_DRAWN:
        u = rule.select.draw(
            seed=event.context.seed,
            rule=rule.id,
            seam=at_rule.seam,
            entity=at_rule.entity,
            occurrence=at_rule.occurrence,
        )
        threshold = rule.select.threshold if compiled.threshold is None else compiled.threshold(event.context.now_ms)
        return {
            "why": f"the draw does not select it: u = {u / SPAN:.6f} is not below {threshold / SPAN:.6f}",
            "u": u / SPAN,
            "threshold": threshold / SPAN,
        }
    conditions = zip(rule.match.conditions, compiled.checks, strict=True)
    failed = next(condition for condition, check in conditions if not check(at_rule))
    value = _value(failed, at_rule)
    return {
        "why": f"{failed.field} is {value!r}, not {failed.operator} {failed.operand!r}",
        "field": failed.field,
        "wanted": {failed.operator: failed.operand},
        "had": value,
    }


def _value(condition: Condition, event: Seam | PendingEvent) -> object:
    first, *rest = condition.field.split(".")
    value = getattr(event, first, None)
    for key in rest:
        value = value.get(key) if isinstance(value, Mapping) else None
    return dict(value) if isinstance(value, Mapping) else value
