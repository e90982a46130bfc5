"""Lint of the armed rules: whether their answer key can be reproduced, and whether they can act at all.

        exact               the same seed and the same events of each entity give the same injections, in any order
        order_dependent     a count over several entities decides, so the order of events matters
        time_dependent      the time of an event decides, on a running clock

The verdict takes the other rules into account. A rule that is not exact changes the story, and every rule acts on the
story; so no rule is exact beside one that is not. `alone` is the verdict without the other rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from mocklend_faults.engine.matching import Condition, Match, known_fields
from mocklend_faults.engine.rules import LintDoc, Rule, WarningDoc
from mocklend_faults.engine.selection import LIMITS
from mocklend_faults.engine.sentences import Sentence, sentence

EXACT, ORDER, TIME = "exact", "order_dependent", "time_dependent"
VERDICTS = (EXACT, ORDER, TIME)
"""From the strongest promise to the weakest."""
OTHER_RULE = "rule {rule} is {verdict}, and changes the story that this one acts on"
COUNTED = "{limits}: counted over all entities, in the order in which they come"
TIMED = "{settings}: depends on the time, and the clock is running"
REASONS = (OTHER_RULE, COUNTED, TIMED)
"""The texts of all reasons why a rule is not exact."""

ONE_STORY = ("entity", "loan_id")
"""A rule that matches a single value of one of these counts within one story, whose order is fixed."""


@dataclass(frozen=True, slots=True)
class LintWarning:
    """A property of a rule that its author probably does not want."""

    code: str
    detail: str

    def to_json(self) -> WarningDoc:
        """The warning as the control API returns it."""
        return {"code": self.code, "detail": self.detail}


@dataclass(frozen=True, slots=True)
class LintResult:
    """A rule's verdict beside the other rules and alone, the reasons, and warnings."""

    verdict: str
    alone: str
    sentences: tuple[Sentence, ...]
    warnings: tuple[LintWarning, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """The reasons in English."""
        return tuple(map(str, self.sentences))

    def to_json(self) -> LintDoc:
        """The result as the control API returns it."""
        return {
            "verdict": self.verdict,
            "alone": self.alone,
            "reasons": list(self.reasons),
            "sentences": [reason.to_json() for reason in self.sentences],
            "warnings": [warning.to_json() for warning in self.warnings],
        }


def lint(rules: Sequence[Rule], *, mode: str) -> dict[str, LintResult]:
    """The result for each rule, by id, on a clock of this mode (`manual` or `wall`)."""
    alone = {rule.id: _alone(rule, mode) for rule in rules}
    on = [rule for rule in sorted(rules, key=lambda rule: rule.id) if rule.enabled]
    results = {}
    for rule in rules:
        by_itself, reasons = alone[rule.id]
        verdict = by_itself
        for other in on:
            others_verdict, _ = alone[other.id]
            if other.id != rule.id and others_verdict != EXACT and rule.enabled:
                verdict = max(verdict, others_verdict, key=VERDICTS.index)
                reasons = (*reasons, sentence(OTHER_RULE, rule=other.id, verdict=others_verdict))
        results[rule.id] = LintResult(verdict, by_itself, reasons, tuple(_warnings(rule, on)))
    return results


# --- whether it can be reproduced ---


def _alone(rule: Rule, mode: str) -> tuple[str, tuple[Sentence, ...]]:
    select = rule.select
    limits = [name for name in LIMITS if getattr(select, name) != getattr(type(select)(), name)]
    reasons = []
    verdict = EXACT
    if limits and not _one_story(rule.match):
        verdict = ORDER
        reasons.append(sentence(COUNTED, limits=", ".join(limits)))
    if mode != "manual":
        timed = [f"activate.{name}" for name in rule.activate.timed]
        timed += ["match.now_ms"] if any(condition.field == "now_ms" for condition in rule.match.conditions) else []
        if timed:
            verdict = TIME
            reasons.append(sentence(TIMED, settings=", ".join(timed)))
    return verdict, tuple(reasons)


def _one_story(match: Match) -> bool:
    """Whether the conditions select a single entity or loan."""
    return any(
        condition.field in ONE_STORY
        and (condition.operator == "equal_to" or (condition.operator == "in" and len(set(condition.operand)) == 1))
        for condition in match.conditions
    )


# --- whether it can act ---


def _warnings(rule: Rule, on: Sequence[Rule]) -> Iterable[LintWarning]:
    seams = rule.fault.seams()
    dead = {seam: why for seam in seams if (why := _never_holds(rule.match, seam))}
    if seams and len(dead) == len(seams):
        yield LintWarning("never_matches", "; ".join(f"at {seam}, {why}" for seam, why in dead.items()))
    else:
        for seam, why in dead.items():
            yield LintWarning("never_matches_here", f"at {seam}, {why}; so it acts only at the fault's other seams")
    if _never_drawn(rule):
        yield LintWarning("never_drawn", "the probability is 0 at all times")
    if why := _never_open(rule):
        yield LintWarning("never_open", why)
    expected = rule.expect.get("class")
    if expected is not None and expected != rule.fault.finding:
        yield LintWarning(
            "class_never_made", f"expect.class is {expected}, and {rule.fault.name} makes {rule.fault.finding}"
        )
    for other in on:
        if rule.enabled and other.id < rule.id and _takes_all(other, rule):
            detail = f"rule {other.id} acts before it, and makes the same change to every event that this one matches"
            yield LintWarning("shadowed", detail)


def _never_drawn(rule: Rule) -> bool:
    ramp = rule.activate.ramp
    ramped = ramp is not None and not Fraction(ramp.from_share) and not Fraction(ramp.to_share)
    return ramped or rule.select.threshold == 0


def _never_open(rule: Rule) -> str | None:
    activate = rule.activate
    start, end = activate.window(rule.armed_ms)
    if end is None:
        return None
    if end <= start:
        return f"it is over {activate.ttl_s} s after arming, and starts after {activate.start_delay_s} s"
    if activate.schedule is not None:
        fired = activate.schedule.last_fired_ms(end - 1, rule.zone)
        if fired is None or fired + activate.each_ms <= start:
            return f"the schedule {activate.schedule.source} does not fire before it is over"
    return None


def _never_holds(match: Match, seam: str) -> str | None:
    """Why no event at this seam can meet the conditions, as far as the conditions alone show; None if some can."""
    own = known_fields((seam,))
    for condition in match.conditions:
        if condition.field.partition(".")[0] not in own and not condition.holds(None):
            return f"{condition.field} does not exist"
        others = [other for other in match.conditions if other.field == condition.field]
        values = _values(condition)
        if values is not None and not any(all(other.holds(value) for other in others) for value in values):
            return f"no value of {condition.field} meets {_and([other.operator for other in others])} together"
    for name in {condition.field for condition in match.conditions}:
        low = max(
            (n for condition in match.conditions if condition.field == name for n in _lower(condition)), default=None
        )
        high = min(
            (n for condition in match.conditions if condition.field == name for n in _upper(condition)), default=None
        )
        if low is not None and high is not None and low > high:
            return f"no value of {name} is from {low} to {high}"
    return None


def _values(condition: Condition) -> list[Any] | None:
    """All values that meet a condition; None if they cannot be listed."""
    if condition.operator == "equal_to":
        return [condition.operand]
    if condition.operator == "in":
        return list(condition.operand)
    return [None] if condition.operator == "absent" else None


def _lower(condition: Condition) -> list[int]:
    operand = condition.operand
    return {"gte": [operand], "gt": [operand + 1]}.get(condition.operator, []) if _bounds(condition) else []


def _upper(condition: Condition) -> list[int]:
    operand = condition.operand
    return {"lte": [operand], "lt": [operand - 1]}.get(condition.operator, []) if _bounds(condition) else []


def _bounds(condition: Condition) -> bool:
    return condition.operator in ("gt", "gte", "lt", "lte")


def _takes_all(earlier: Rule, later: Rule) -> bool:
    """Whether the earlier rule is certain to do the same to every event that the later one may change."""
    conditions = {
        (condition.field, condition.operator, repr(condition.operand)) for condition in later.match.conditions
    }
    start, end = earlier.activate.window(earlier.armed_ms)
    later_start, later_end = later.activate.window(later.armed_ms)
    covers = start <= later_start and (end is None or (later_end is not None and later_end <= end))
    return (
        earlier.fault == later.fault
        and not earlier.select.limited
        and Fraction(earlier.select.probability) == 1
        and earlier.activate.schedule is None
        and earlier.activate.ramp is None
        and covers
        and all(
            (condition.field, condition.operator, repr(condition.operand)) in conditions
            for condition in earlier.match.conditions
        )
    )


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
