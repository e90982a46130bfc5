"""The rules at one seam, indexed by what they match: rules that cannot match an event are skipped, not evaluated.

        {"loan_id": "loan_a"}   ──┐                             event of loan_a ──▶ rule 1, rule 3
        {"loan_id": "loan_b"}   ──┼─▶ by the field's value
        {"amount_minor": {"gte": 1}} ──▶ always evaluated       event of loan_c ──▶ rule 3

A rule is indexed by its first `equal_to` or `in` on a field that no fault may change, so no change by an earlier rule
can make it match. Only rules that are always open are skipped: each event at the seam counts as evaluated for them,
and one number counts it for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Any

from mocklend.seams import SEAMS
from mocklend.seams.seam import PendingEvent, Seam
from mocklend_faults.engine.matching import Check
from mocklend_faults.engine.rules import Rule

LATE = frozenset({"occurrence", "now_ms", "draw"})
"""Fields that an event gets only when a rule is evaluated: no rule is indexed by these."""


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule at one of its fault's seams. Times are in milliseconds of the sandbox's clock, the end excluded."""

    rule: Rule
    start_ms: int
    end_ms: int | None
    checks: tuple[Check, ...]
    limited: bool
    threshold: Callable[[int], int] | None  # of a ramp, at a time
    always_open: bool  # from its arming on, without an end
    timeless: bool = False  # its result does not depend on the time of the event
    skippable: bool = False  # it is in the index, and counted with the other rules in it

    def open(self, now_ms: int) -> bool:
        """Whether the rule's window and schedule allow it to act at this time."""
        if self.always_open:
            return True
        if now_ms < self.start_ms or (self.end_ms is not None and now_ms >= self.end_ms):
            return False
        return self.rule.activate.open(now_ms, self.rule.zone)

    def matches(self, event: Seam | PendingEvent) -> bool:
        """Whether all conditions hold."""
        return not self.checks or all(check(event) for check in self.checks)


class RuleIndex:
    """The rules at one seam, as of a version of the sandbox's rules."""

    def __init__(self, seam: str, rules: Sequence[Rule], version: int) -> None:
        self.seam = seam
        self.version = version
        compiled = [_compiled(seam, rule) for rule in sorted(rules, key=lambda rule: rule.id)]
        self.rules: tuple[CompiledRule, ...] = tuple(compiled)
        self.skipped: tuple[CompiledRule, ...] = tuple(rule for rule in compiled if rule.skippable)
        self._always = [n for n, rule in enumerate(compiled) if not rule.skippable]
        self._always_evaluated = tuple(compiled[n] for n in self._always)
        by_field: dict[str, dict[Any, list[int]]] = {}
        for n, compiled_rule in enumerate(compiled):
            key = _index_key(seam, compiled_rule.rule) if compiled_rule.skippable else None
            if key is not None:
                name, values = key
                for value in dict.fromkeys(values):
                    by_field.setdefault(name, {}).setdefault(value, []).append(n)
        self._by_field = tuple(by_field.items())

    def candidates(self, event: Seam | PendingEvent) -> Sequence[CompiledRule]:
        """The rules that may act on this event, in the order of their ids."""
        for name, by_value in self._by_field:
            if getattr(event, name) in by_value:
                break
        else:
            return self._always_evaluated
        hits = [n for name, by_value in self._by_field for n in by_value.get(getattr(event, name), ())]
        return [self.rules[n] for n in sorted(hits + self._always)]

    def skipped_rule(self, rule: Rule) -> CompiledRule | None:
        """This rule in this revision, if it may be skipped; else None."""
        for compiled in self.skipped:
            if compiled.rule.id == rule.id and compiled.rule.revision == rule.revision:
                return compiled
        return None


def skippable(seam: str, rule: Rule) -> bool:
    """Whether the rule is skipped at this seam for events that it cannot match."""
    return _always_open(rule) and _index_key(seam, rule) is not None


def _always_open(rule: Rule) -> bool:
    start_ms, end_ms = rule.activate.window(rule.armed_ms)
    return start_ms <= rule.armed_ms and end_ms is None and rule.activate.schedule is None


def _compiled(seam: str, rule: Rule) -> CompiledRule:
    start_ms, end_ms = rule.activate.window(rule.armed_ms)
    ramp = rule.activate.ramp
    return CompiledRule(
        rule=rule,
        start_ms=start_ms,
        end_ms=end_ms,
        checks=rule.match.compiled(seam),
        limited=rule.select.limited,
        threshold=None if ramp is None else ramp.threshold(rule.select.probability, start_ms),
        always_open=_always_open(rule),
        timeless=_always_open(rule)
        and ramp is None
        and all(condition.field != "now_ms" for condition in rule.match.conditions),
        skippable=skippable(seam, rule),
    )


def _index_key(seam: str, rule: Rule) -> tuple[str, Sequence[Any]] | None:
    """The field and the values by which the rule is indexed; no values if it can match nothing here.

    None if it cannot be indexed, so that it is always evaluated.
    """
    fixed = {field.name for field in fields(SEAMS[seam]) if field.default is MISSING}
    offered = {field.name for field in fields(SEAMS[seam])} - fixed
    for condition in rule.match.conditions:
        if condition.operator not in ("equal_to", "in"):
            continue
        values = condition.operand if condition.operator == "in" else [condition.operand]
        if condition.field in fixed - LATE:
            return condition.field, values
        if condition.field.partition(".")[0] not in fixed | offered:
            return condition.field, ()  # The seam lacks the field, so no event here can be equal to a value.
    return None
