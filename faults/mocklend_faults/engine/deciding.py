"""How a rule acts on an event: whether the draw selects it, and what the fault changes."""

from __future__ import annotations

from collections.abc import Iterable

from mocklend.seams.layer import LayerBroke
from mocklend.seams.outcome import check_outcome
from mocklend.seams.seam import EventContext, PendingEvent, Seam, SeamEvent
from mocklend_faults.engine.fault import method_of
from mocklend_faults.engine.rule_index import CompiledRule
from mocklend_faults.engine.rules import Rule
from mocklend_faults.engine.trail import NOT_DRAWN, NOT_MATCHED, WINDOW_CLOSED, RuleResult


class FaultBroke(LayerBroke):
    """A fault raised, or changed a field that it must not change. This is a bug of the fault, which the error names."""


def drawn(seed: int, compiled: CompiledRule, event: Seam | PendingEvent, now_ms: int) -> bool:
    """Whether the draw selects the event: the same at every time and in every process."""
    return compiled.rule.select.drawn(
        seed=seed,
        rule=compiled.rule.id,
        seam=event.seam,
        entity=event.entity,
        occurrence=event.occurrence,
        threshold=None if compiled.threshold is None else compiled.threshold(now_ms),
    )


def unselected(
    event: PendingEvent, candidates: Iterable[CompiledRule]
) -> tuple[list[tuple[CompiledRule, bool]], tuple[RuleResult, ...]] | None:
    """None if a rule may select the event; else the evaluated rules, each with whether it matches, and the results.

    If the event's time is not known, a rule that depends on it may select the event. So may a rule with a limit that
    matches: it has to count every match in order, within a group.
    """
    evaluated: list[tuple[CompiledRule, bool]] = []
    results: list[RuleResult] = []
    for candidate in candidates:
        if event.now_ms is None:
            if not candidate.timeless:
                return None
        elif not candidate.open(event.now_ms):
            results.append((candidate, event, WINDOW_CLOSED, None))
            continue
        matches = candidate.matches(event)
        if matches and (candidate.limited or drawn(event.seed, candidate, event, event.now_ms or 0)):
            return None
        evaluated.append((candidate, matches))
        results.append((candidate, event, NOT_DRAWN if matches else NOT_MATCHED, None))
    return evaluated, tuple(results)


def changed(context: EventContext, rule: Rule, event: SeamEvent) -> SeamEvent:
    """The event as the fault changes it. Raises FaultBroke if it raises, or changes a field that its seam fixes."""
    try:
        outcome: SeamEvent = getattr(rule.fault, method_of(event.seam))(event)
        check_outcome(event, outcome)
    except Exception as error:
        raise FaultBroke(
            f"fault {rule.fault.name} of rule {rule.id} broke at {event.seam} of {event.entity}, "
            f"occurrence {event.occurrence}, seed {context.seed}: {_in_a_line(error)}"
        ) from error
    return outcome


def _in_a_line(error: Exception) -> str:
    """The error as one short line, even if its own text is long, has several lines, or cannot be made."""
    try:
        text = " ".join(str(error).split())
    except Exception:
        text = "its text cannot be read"
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__
