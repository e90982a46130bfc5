"""What a rule makes of an event: whether chance selects it, and what the fault changes."""

from __future__ import annotations

from collections.abc import Iterable

from mocklend.seams.layer import LayerBroke
from mocklend.seams.outcome import check_outcome
from mocklend.seams.seam import EventContext, PendingEvent, Seam, SeamEvent
from mocklend_faults.engine.fault import method_of
from mocklend_faults.engine.rule_index import CompiledRule
from mocklend_faults.engine.rules import Rule
from mocklend_faults.engine.trail import NOT_DRAWN, NOT_MATCHED, WINDOW_CLOSED, Asked


class FaultBroke(LayerBroke):
    """A fault raised, or changed what it must not. That is a bug in the fault: the run breaks, and says where."""


def drawn(seed: int, one: CompiledRule, event: Seam | PendingEvent, now_ms: int) -> bool:
    """What chance says: the same whenever and wherever it is asked."""
    return one.rule.select.drawn(
        seed=seed,
        rule=one.rule.id,
        seam=event.seam,
        entity=event.entity,
        occurrence=event.occurrence,
        threshold=None if one.threshold is None else one.threshold(now_ms),
    )


def unselected(
    event: PendingEvent, candidates: Iterable[CompiledRule]
) -> tuple[list[tuple[CompiledRule, bool]], tuple[Asked, ...]] | None:
    """None where a rule may select the event; else the rules, each with whether it matches, and how far it comes.

    Where its time is not known, a rule that looks at that may select anything. A rule that counts events to know its
    limits has to see every match in its place.
    """
    looked: list[tuple[CompiledRule, bool]] = []
    asked: list[Asked] = []
    for candidate in candidates:
        if event.now_ms is None:
            if not candidate.timeless:
                return None
        elif not candidate.open(event.now_ms):
            asked.append((candidate, event, WINDOW_CLOSED, None))
            continue
        matches = candidate.matches(event)
        if matches and (candidate.limited or drawn(event.seed, candidate, event, event.now_ms or 0)):
            return None
        looked.append((candidate, matches))
        asked.append((candidate, event, NOT_DRAWN if matches else NOT_MATCHED, None))
    return looked, tuple(asked)


def changed(context: EventContext, rule: Rule, event: SeamEvent) -> SeamEvent:
    """What the fault makes of the event. It may only touch what its seam offers; anything else is loud."""
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
    """The error as one short line, also where its own text is long, has lines, or cannot be had."""
    try:
        text = " ".join(str(error).split())
    except Exception:
        text = "its text cannot be had"
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__
