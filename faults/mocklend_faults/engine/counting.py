"""What each rule has done: evaluated, matched, selected, injected. Kept in few rows, so that idle rules cost little.

        asked ───▶ rule_counts (rule, revision)      one row for each rule that looked at an event
        skipped ─▶ seam_counts (seam, version)       one row per seam, for all rules that could not match there

A rule was there in the versions of the sandbox's rules in which it was on; its stored form says which. So the events
that it was skipped for are the sum of its seams' rows over those versions, worked out only when somebody reads it.

That a rule could not match decides nothing, so this count alone is kept in memory for a while (see `counters`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mocklend.seams.seam import Write
from mocklend.storage.snapshot import SandboxReader
from mocklend_faults.engine import journal
from mocklend_faults.engine.rule_index import skippable
from mocklend_faults.engine.rules import Rule

RuleCounts = dict[tuple[str, int], "Tally"]
"""What rules were asked, by rule and revision."""
SeamCounts = dict[tuple[str, int], int]
"""Events that rules were skipped for, by seam and version of the sandbox's rules."""


@dataclass(slots=True)
class Tally:
    """What one rule did: in the database, or in the running group."""

    evaluated: int = 0
    matched: int = 0
    selected: int = 0
    injected: int = 0
    on_entity: dict[str, int] = field(default_factory=dict)

    def subtract(self, other: Tally) -> bool:
        """Take the other's counts out. Whether any is left."""
        self.evaluated -= other.evaluated
        self.matched -= other.matched
        self.selected -= other.selected
        self.injected -= other.injected
        return bool(self.evaluated or self.matched or self.selected or self.injected)

    def add(self, other: Tally) -> None:
        """Take the other's counts in."""
        self.evaluated += other.evaluated
        self.matched += other.matched
        self.selected += other.selected
        self.injected += other.injected
        for entity, count in other.on_entity.items():
            self.on_entity[entity] = self.on_entity.get(entity, 0) + count


def on_in(stored: Mapping[str, Any], version: int) -> dict[str, Any]:
    """A stored rule that also says in which versions it was on, `[[first, last or null], ...]`, as of a new version."""
    spans = [list(span) for span in stored.get("on", [])]
    was_on = bool(spans) and spans[-1][1] is None
    if stored["rule"]["enabled"] and not was_on:
        spans.append([version, None])
    elif was_on and not stored["rule"]["enabled"]:
        spans[-1][1] = version - 1
    return {**stored, "on": spans}


class _RuleCount(NamedTuple):
    rule: str
    revision: int
    evaluated: int
    matched: int
    selected: int
    injected: int


class _SeamCount(NamedTuple):
    seam: str
    version: int
    evaluated: int


def tallies(reader: SandboxReader, stored: Iterable[Mapping[str, Any]], rules: Iterable[Rule]) -> dict[str, Tally]:
    """What each of these rules has done in its present revision, by id. `rules` are those whose kinds are installed."""
    of_rules = {(row.rule, row.revision): row for row in reader.rows(_RuleCount, journal.COUNTS)}
    of_seams = reader.rows(_SeamCount, journal.SEAM_COUNTS)
    known = {rule.id: rule for rule in rules}
    counted = {}
    for one in stored:
        row = of_rules.get((one["id"], one["revision"]))
        tally = Tally(row.evaluated, row.matched, row.selected, row.injected) if row is not None else Tally()
        counted[one["id"]] = tally
        if one["id"] in known and of_seams:
            tally.evaluated += _skipped(known[one["id"]], one["on"], of_seams)
    return counted


def _skipped(rule: Rule, spans: Sequence[Sequence[Any]], of_seams: Iterable[_SeamCount]) -> int:
    seams = {seam for seam in rule.fault.seams() if skippable(seam, rule)}
    return sum(
        count
        for seam, version, count in of_seams
        if seam in seams and any(first <= version and (last is None or version <= last) for first, last in spans)
    )


def rule_rows(sandbox_id: str, counted: RuleCounts) -> list[Write]:
    """The rows for what rules of a sandbox were asked."""
    return [
        (
            journal.COUNT,
            {
                "sandbox_id": sandbox_id,
                "rule": rule_id,
                "revision": revision,
                "evaluated": tally.evaluated,
                "matched": tally.matched,
                "selected": tally.selected,
                "injected": tally.injected,
            },
        )
        for (rule_id, revision), tally in sorted(counted.items(), key=lambda item: item[0])
    ]


def seam_rows(sandbox_id: str, skipped: SeamCounts) -> list[Write]:
    """The rows for the events that rules of a sandbox were skipped for."""
    return [
        (journal.SEAM_COUNT, {"sandbox_id": sandbox_id, "seam": seam, "version": version, "evaluated": count})
        for (seam, version), count in sorted(skipped.items())
    ]
