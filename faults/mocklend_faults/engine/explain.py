"""Why each rule fired, or did not, on the events of one entity, loan or request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mocklend.sandboxes.timestamps import maybe_rfc3339, rfc3339
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
    Asked,
    Event,
)

NOT_ARMED = "not_armed"
OUTCOMES = (NOT_ARMED, WINDOW_CLOSED, NOT_MATCHED, NOT_DRAWN, LIMITED, CHANGED_NOTHING, INJECTED)
"""How far an event may come with a rule, in order."""


def explained(rules: Iterable[Rule], events: Sequence[Event]) -> list[dict[str, Any]]:
    """Each rule, with what it made of each of these events; or why there was none for it."""
    return [_rule(rule, events) for rule in sorted(rules, key=lambda one: one.id)]


def _rule(rule: Rule, events: Sequence[Event]) -> dict[str, Any]:
    seams = rule.fault.seams()
    met = [_met(rule, event) for event in events if event.pending.seam in seams]
    told: dict[str, Any] = {"rule": rule.id, "fault": rule.fault.name, "enabled": rule.enabled, "events": met}
    if not met:
        told["why"] = f"no event of this story is known at {' or '.join(seams)}"
    return told


def _met(rule: Rule, event: Event) -> dict[str, Any]:
    pending = event.pending
    told: dict[str, Any] = {
        "seam": pending.seam,
        "entity": pending.entity,
        "occurrence": pending.occurrence,
        "at": maybe_rfc3339(pending.now_ms),
        "request_id": event.context.asked_by,
    }
    asked = event.of(rule)
    if asked is not None:
        return told | {"outcome": asked[2]} | _why(event, asked)
    return told | {"outcome": NOT_ARMED, "why": "the rule as it stands was not armed then"}


def _why(event: Event, asked: Asked) -> dict[str, Any]:
    one, seen, outcome, word = asked
    rule: Rule = one.rule
    if outcome == INJECTED:
        return {"why": f"it happened: {word}", "injection": word}
    if outcome == CHANGED_NOTHING:
        return {"why": f"{rule.fault.name} had nothing to change in this event"}
    if outcome == LIMITED:
        return {"why": f"the limit {word} said no", "limit": word}
    if outcome == WINDOW_CLOSED:
        start, end = one.start_ms, one.end_ms
        schedule = rule.activate.schedule
        when = f"from {rfc3339(start)} to {maybe_rfc3339(end) or 'for ever'}"
        return {"why": f"it acts {when}" + (f", on the schedule {schedule.source} in {rule.zone}" if schedule else "")}
    if outcome == NOT_DRAWN:
        u = rule.select.draw(
            seed=event.context.seed, rule=rule.id, seam=seen.seam, entity=seen.entity, occurrence=seen.occurrence
        )
        threshold = rule.select.threshold if one.threshold is None else one.threshold(event.context.now_ms)
        return {
            "why": f"chance said no: u = {u / SPAN:.6f} is not below {threshold / SPAN:.6f}",
            "u": u / SPAN,
            "threshold": threshold / SPAN,
        }
    failed = next(c for c, check in zip(rule.match.conditions, one.checks, strict=True) if not check(seen))
    had = _value(failed, seen)
    return {
        "why": f"{failed.field} is {had!r}, wanted {failed.operator} {failed.operand!r}",
        "field": failed.field,
        "wanted": {failed.operator: failed.operand},
        "had": had,
    }


def _value(condition: Condition, seen: Any) -> Any:
    first, *rest = condition.field.split(".")
    value = getattr(seen, first, None)
    for key in rest:
        value = value.get(key) if isinstance(value, Mapping) else None
    return dict(value) if isinstance(value, Mapping) else value
