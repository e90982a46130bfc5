"""Counts in memory that are not written yet: those of one sandbox's requests, and of its committed groups.

        request ─▶ count_request ─┐
                                  ├─▶ Counters ─▶ unwritten() ─▶ a group's rows ─ committed ─▶ written()
        commit  ─▶ count_events ──┘                                  └─ failed: the counts stay, so none is lost

The counts of evaluated rules are written with the sandbox's next group. No decision depends on the events that rules
were skipped for, so these are written when they are read, when SKIPPED_MAX events wait, and when the platform stops.
A kill loses those that wait.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mocklend.seams.seam import Write
from mocklend_faults.engine.counting import RuleCounts, SeamCounts, Tally, rule_rows, seam_rows
from mocklend_faults.engine.rule_index import CompiledRule, RuleIndex

SKIPPED_MAX = 1_000
"""With this many events that wait to be written, a sandbox's next group writes them."""


@dataclass(frozen=True, slots=True)
class Unwritten:
    """Counts that are not in the database: of evaluated rules, and of events that rules were skipped for."""

    rules: RuleCounts = field(default_factory=dict)
    seams: Mapping[RuleIndex, int] = field(default_factory=dict)
    reads: int = 0  # how many readers have requested them


class Counters:
    """One sandbox's counts that the database has not. Safe for any thread."""

    def __init__(self) -> None:
        self._rules: RuleCounts = {}
        self._seams: dict[RuleIndex, int] = {}
        self._waiting = 0  # events at all seams
        self._reads = 0  # how many readers have called `write_soon` since all counts were written
        self._lock = threading.Lock()

    @property
    def due(self) -> bool:
        """Whether the sandbox's next group has anything to write. It may be outdated when the caller uses it."""
        return bool(self._rules) or self._reads > 0 or self._waiting >= SKIPPED_MAX

    def count_request(self, index: RuleIndex, unselected: Iterable[tuple[CompiledRule, bool]]) -> None:
        """Count a request that no rule selects: the evaluated rules, each with whether it matched."""
        with self._lock:
            if index.skipped:
                self._seams[index] = self._seams.get(index, 0) + 1
                self._waiting += 1
            for compiled, matches in unselected:
                key = (compiled.rule.id, compiled.rule.revision)
                tally = self._rules.get(key)
                if tally is None:
                    tally = self._rules[key] = Tally()
                tally.evaluated += not compiled.skippable
                tally.matched += matches

    def count_events(self, indexes: Iterable[RuleIndex]) -> None:
        """Count the events of a durable group, each by the index of its seam."""
        with self._lock:
            for index in indexes:
                if index.skipped:
                    self._seams[index] = self._seams.get(index, 0) + 1
                    self._waiting += 1

    def write_soon(self) -> None:
        """Let the sandbox's next group write all counts."""
        with self._lock:
            self._reads += 1

    def unwritten(self, *, all_seams: bool = False) -> Unwritten:
        """The counts to write now. They stay here until `written` is called."""
        with self._lock:
            rules = {key: replace(tally) for key, tally in self._rules.items()}
            with_seams = all_seams or self._reads > 0 or self._waiting >= SKIPPED_MAX
            return Unwritten(rules, dict(self._seams) if with_seams else {}, self._reads)

    def written(self, counts: Unwritten) -> None:
        """Subtract these counts, which are in the database now."""
        with self._lock:
            for key, tally in counts.rules.items():
                if not self._rules[key].subtract(tally):
                    del self._rules[key]
            for index, count in counts.seams.items():
                self._seams[index] -= count
                self._waiting -= count
                if not self._seams[index]:
                    del self._seams[index]
            self._reads -= counts.reads


def count_rows(counted: Sequence[tuple[str, Unwritten]]) -> list[Write]:
    """The rows of these sandboxes' counts, in the same order in every process, against deadlocks."""
    of_rules = [row for sandbox_id, counts in counted for row in rule_rows(sandbox_id, counts.rules)]
    return [
        *of_rules,
        *(row for sandbox_id, counts in counted for row in seam_rows(sandbox_id, by_version(counts.seams))),
    ]


def by_version(counted: Mapping[RuleIndex, int]) -> SeamCounts:
    """The counts by (seam, version): several indexes may have the same version if it was loaded twice."""
    counts: SeamCounts = {}
    for index, count in counted.items():
        key = (index.seam, index.version)
        counts[key] = counts.get(key, 0) + count
    return counts


class Outcomes:
    """How many events the rules of each fault matched, selected and changed in this process, for the metrics."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def add(self, counts: Mapping[tuple[str, str], int]) -> None:
        """Add the counts of a durable group, by (fault, outcome)."""
        with self._lock:
            self._counts.update(counts)

    def copy(self) -> Counter[tuple[str, str]]:
        """The counts as of now."""
        with self._lock:
            return self._counts.copy()
