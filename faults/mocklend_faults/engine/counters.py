"""What is counted in memory and waits to be written: by one sandbox's requests, and by its committed groups.

        request ─▶ count_request ─┐
                                  ├─▶ Counters ─▶ unwritten() ─▶ a group's rows ─ committed ─▶ written()
        commit  ─▶ count_events ──┘                                  └─ failed: nothing was taken, so nothing is lost

What rules were asked is written with the sandbox's next group. The events that rules were skipped for decide nothing:
they are written when somebody reads them, when SKIPPED_MAX events wait, and when the platform stops. A kill loses what
was waiting.
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
"""With so many events that wait to be counted, a sandbox's next group writes them."""


@dataclass(frozen=True, slots=True)
class Unwritten:
    """Counts that are not in the database: what rules were asked, and the events that rules were skipped for."""

    rules: RuleCounts = field(default_factory=dict)
    seams: Mapping[RuleIndex, int] = field(default_factory=dict)
    wanted: int = 0  # how often somebody had asked for them


class Counters:
    """What one sandbox has counted and the database has not, for any thread."""

    def __init__(self) -> None:
        self._rules: RuleCounts = {}
        self._seams: dict[RuleIndex, int] = {}
        self._waiting = 0  # events at all seams
        self._wanted = 0  # how often somebody asked that all of it be written, since it last was
        self._lock = threading.Lock()

    @property
    def due(self) -> bool:
        """Whether the sandbox's next group has anything to write. May be old by the time that it is read."""
        return bool(self._rules) or self._wanted > 0 or self._waiting >= SKIPPED_MAX

    def count_request(self, index: RuleIndex, unselected: Iterable[tuple[CompiledRule, bool]]) -> None:
        """A request that no rule selects: the rules that looked at it, each with whether it matched."""
        with self._lock:
            if index.skipped:
                self._seams[index] = self._seams.get(index, 0) + 1
                self._waiting += 1
            for one, matches in unselected:
                key = (one.rule.id, one.rule.revision)
                tally = self._rules.get(key)
                if tally is None:
                    tally = self._rules[key] = Tally()
                tally.evaluated += not one.skippable
                tally.matched += matches

    def count_events(self, indexes: Iterable[RuleIndex]) -> None:
        """Events of a group that is durable, each by the index that it was looked up in."""
        with self._lock:
            for index in indexes:
                if index.skipped:
                    self._seams[index] = self._seams.get(index, 0) + 1
                    self._waiting += 1

    def write_soon(self) -> None:
        """Have the sandbox's next group write all."""
        with self._lock:
            self._wanted += 1

    def unwritten(self, *, all_seams: bool = False) -> Unwritten:
        """What is to be written now. It stays counted here until `written` says that it is durable."""
        with self._lock:
            rules = {key: replace(tally) for key, tally in self._rules.items()}
            with_seams = all_seams or self._wanted > 0 or self._waiting >= SKIPPED_MAX
            return Unwritten(rules, dict(self._seams) if with_seams else {}, self._wanted)

    def written(self, counts: Unwritten) -> None:
        """These counts are in the database."""
        with self._lock:
            for key, tally in counts.rules.items():
                if not self._rules[key].subtract(tally):
                    del self._rules[key]
            for index, count in counts.seams.items():
                self._seams[index] -= count
                self._waiting -= count
                if not self._seams[index]:
                    del self._seams[index]
            self._wanted -= counts.wanted


def count_rows(counted: Sequence[tuple[str, Unwritten]]) -> list[Write]:
    """The rows of these sandboxes' counts, in the order in which every process writes them."""
    of_rules = [row for sandbox_id, counts in counted for row in rule_rows(sandbox_id, counts.rules)]
    return [
        *of_rules,
        *(row for sandbox_id, counts in counted for row in seam_rows(sandbox_id, by_version(counts.seams))),
    ]


def by_version(counted: Mapping[RuleIndex, int]) -> SeamCounts:
    """The counts of these indexes: several may be of one version, where it was loaded again."""
    found: SeamCounts = {}
    for index, count in counted.items():
        at = (index.seam, index.version)
        found[at] = found.get(at, 0) + count
    return found


class Outcomes:
    """How many events each fault's rules matched, selected and changed in this process: for the metrics."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def add(self, counts: Mapping[tuple[str, str], int]) -> None:
        """A group's, once it is durable."""
        with self._lock:
            self._counts.update(counts)

    def copy(self) -> Counter[tuple[str, str]]:
        """As of now."""
        with self._lock:
            return self._counts.copy()
