"""What is certain: what the rules that act on every such event make of an event, before it happens.

No rule is asked: nothing is drawn, counted or kept. A rule that may or may not act, because of its probability or a
limit, is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mocklend.seams.layer import Foreseen
from mocklend.seams.seam import EventContext, SeamEvent
from mocklend_faults.engine.deciding import changed
from mocklend_faults.engine.rule_index import LATE, CompiledRule, RuleIndex
from mocklend_faults.engine.rules import Rule
from mocklend_faults.engine.selection import SPAN

UNKNOWN = LATE - {"now_ms"}
"""Fields of which an event that has not happened has only an example."""


def foreseen(context: EventContext, rules: Sequence[Rule], events: Iterable[SeamEvent]) -> list[Foreseen[SeamEvent]]:
    """The certain outcome of each event, and the rules behind it. Raises FaultBroke if a fault raises."""
    indexes: dict[str, list[CompiledRule]] = {}
    outcomes: list[Foreseen[SeamEvent]] = []
    for event in events:
        if event.seam not in indexes:
            at_seam = [rule for rule in rules if rule.enabled and event.seam in rule.fault.seams()]
            index = RuleIndex(event.seam, at_seam, 0)
            indexes[event.seam] = [each for each in index.rules if _is_certain(each, context.now_ms)]
        acted: list[str] = []
        outcome = event
        for each in indexes[event.seam]:
            if each.matches(outcome):
                after = changed(context, each.rule, outcome)
                if after != outcome:
                    acted.append(each.rule.id)
                outcome = after
        outcomes.append(Foreseen(outcome, tuple(acted)))
    return outcomes


def _is_certain(compiled: CompiledRule, now_ms: int) -> bool:
    threshold = compiled.rule.select.threshold if compiled.threshold is None else compiled.threshold(now_ms)
    return (
        compiled.open(now_ms)
        and not compiled.limited
        and threshold >= SPAN
        and not any(condition.field in UNKNOWN for condition in compiled.rule.match.conditions)
    )
