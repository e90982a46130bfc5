"""What each rule has done: evaluated, matched, selected, injected. Kept in few rows, so that idle rules cost little.

        asked ───────▶ rule_counts (rule, revision)      one row for each rule that looked at an event
        passed over ─▶ seam_counts (seam, version)       one row a seam, for all rules that could not match there

A rule was there in the versions of the sandbox's rules in which it was on; its stored form says which. So what it was
passed over for is the sum of its seams' rows over those versions, and is only worked out when somebody reads it.

That a rule could not match decides nothing, so this count alone is kept in memory for a while: it is written when
somebody reads it, with the sandbox's next command when PASSED_MOST events are waiting, and when the platform stops. A
kill loses what was waiting.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from mocklend.seams import Write
from mocklend.storage.stores import rows
from mocklend_faults.engine import journal
from mocklend_faults.engine.at_seam import passes_over
from mocklend_faults.engine.rules import Rule

Passed = dict[str, dict[tuple[str, int], int]]
"""Events that rules were passed over for: by sandbox, then by seam and version of the sandbox's rules."""


@dataclass(slots=True)
class Tally:
    """What one rule did: in the database, or in the running group."""

    evaluated: int = 0
    matched: int = 0
    selected: int = 0
    injected: int = 0
    on_entity: dict[str, int] = field(default_factory=dict)

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


def tallies(
    connection: Connection, sandbox_id: str, stored: Iterable[Mapping[str, Any]], rules: Iterable[Rule]
) -> dict[str, Tally]:
    """What each of these rules has done in its present revision, by id. `rules` are those whose kinds are installed."""
    where = {"sandbox_id": sandbox_id}
    of_rules = {(rule, revision): counts for rule, revision, *counts in rows(connection, journal.COUNTS, where)}
    of_seams = rows(connection, journal.SEAM_COUNTS, where)
    known = {rule.id: rule for rule in rules}
    counted = {}
    for one in stored:
        tally = counted[one["id"]] = Tally(*of_rules.get((one["id"], one["revision"]), ()))
        if one["id"] in known and of_seams:
            tally.evaluated += _passed_over(known[one["id"]], one["on"], of_seams)
    return counted


def _passed_over(rule: Rule, spans: Sequence[Sequence[Any]], of_seams: Iterable[Any]) -> int:
    seams = {seam for seam in rule.fault.seams() if passes_over(seam, rule)}
    return sum(
        count
        for seam, version, count in of_seams
        if seam in seams and any(first <= version and (last is None or version <= last) for first, last in spans)
    )


def rule_rows(counted: Mapping[tuple[str, str, int], Tally]) -> list[Write]:
    """The rows for what rules were asked; by sandbox, rule and revision."""
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
        for (sandbox_id, rule_id, revision), tally in sorted(counted.items(), key=lambda one: one[0])
    ]


def seam_rows(passed: Passed) -> list[Write]:
    """The rows for what rules were passed over for."""
    return [
        (journal.SEAM_COUNT, {"sandbox_id": sandbox_id, "seam": seam, "version": version, "evaluated": count})
        for sandbox_id, met in sorted(passed.items())
        for (seam, version), count in sorted(met.items())
    ]
