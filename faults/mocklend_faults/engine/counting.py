"""How often each rule was evaluated, matched, selected and injected. Kept in few rows, so that idle rules cost little.

        evaluated ─▶ rule_counts (rule, revision)    one row for each rule that was evaluated on an event
        skipped ───▶ seam_counts (seam, version)     one row per seam, for all rules that could not match there

The stored form of a rule says in which versions of the sandbox's rules it was on. So the number of events that it was
skipped for is the sum of its seams' rows over those versions, computed only when it is read.

No decision depends on the count of skipped events, so it alone is kept in memory for a while (see `counters`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from mocklend.seams.seam import Write
from mocklend.storage.snapshot import SandboxReader
from mocklend_faults.engine import journal
from mocklend_faults.engine.rule_index import skippable
from mocklend_faults.engine.rules import Rule, StoredRule

RuleCounts = dict[tuple[str, int], "Tally"]
"""The counts of evaluated rules, by (rule id, revision)."""
SeamCounts = dict[tuple[str, int], int]
"""How many events rules were skipped for, by (seam, version of the sandbox's rules)."""


@dataclass(slots=True)
class Tally:
    """The counts of one rule, in the database or in the running group; `on_entity` counts injections by entity."""

    evaluated: int = 0
    matched: int = 0
    selected: int = 0
    injected: int = 0
    on_entity: dict[str, int] = field(default_factory=dict)

    def subtract(self, other: Tally) -> bool:
        """Subtract the other's counts. True if any count is left."""
        self.evaluated -= other.evaluated
        self.matched -= other.matched
        self.selected -= other.selected
        self.injected -= other.injected
        return bool(self.evaluated or self.matched or self.selected or self.injected)

    def add(self, other: Tally) -> None:
        """Add the other's counts."""
        self.evaluated += other.evaluated
        self.matched += other.matched
        self.selected += other.selected
        self.injected += other.injected
        for entity, count in other.on_entity.items():
            self.on_entity[entity] = self.on_entity.get(entity, 0) + count


def on_in(stored: StoredRule, version: int) -> StoredRule:
    """A stored rule with its field `on`, the versions in which it was on, as of a new version of the rules."""
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


def rule_counts(reader: SandboxReader) -> RuleCounts:
    """The counts of all evaluated rules, without the events that rules were skipped for."""
    return {
        (row.rule, row.revision): Tally(row.evaluated, row.matched, row.selected, row.injected)
        for row in reader.rows(_RuleCount, journal.COUNTS)
    }


def tallies(
    reader: SandboxReader,
    stored: Iterable[StoredRule],
    rules: Iterable[Rule],
    skipped: SeamCounts | None = None,
) -> dict[str, Tally]:
    """The counts of each stored rule in its present revision, by id. `rules` are those whose kinds are installed.

    `skipped` are events that the database does not have yet.
    """
    of_rules = {(row.rule, row.revision): row for row in reader.rows(_RuleCount, journal.COUNTS)}
    of_seams = reader.rows(_SeamCount, journal.SEAM_COUNTS)
    of_seams += [_SeamCount(seam, version, count) for (seam, version), count in (skipped or {}).items()]
    by_id = {rule.id: rule for rule in rules}
    counts = {}
    for stored_rule in stored:
        id = stored_rule["id"]
        row = of_rules.get((id, stored_rule["revision"]))
        tally = Tally(row.evaluated, row.matched, row.selected, row.injected) if row is not None else Tally()
        counts[id] = tally
        if id in by_id and of_seams:
            tally.evaluated += _skipped(by_id[id], stored_rule["on"], of_seams)
    return counts


def _skipped(rule: Rule, spans: Sequence[Sequence[int | None]], of_seams: Iterable[_SeamCount]) -> int:
    seams = {seam for seam in rule.fault.seams() if skippable(seam, rule)}
    return sum(
        count for seam, version, count in of_seams if seam in seams and any(_within(version, span) for span in spans)
    )


def _within(version: int, span: Sequence[int | None]) -> bool:
    first, last = span
    return first is not None and first <= version and (last is None or version <= last)


def rule_rows(sandbox_id: str, counted: RuleCounts) -> list[Write]:
    """The rows that add a sandbox's counts of evaluated rules."""
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
    """The rows that add a sandbox's counts of events that rules were skipped for."""
    return [
        (journal.SEAM_COUNT, {"sandbox_id": sandbox_id, "seam": seam, "version": version, "evaluated": count})
        for (seam, version), count in sorted(skipped.items())
    ]
