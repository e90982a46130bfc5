"""What is wrong in a sandbox now: what each rule has injected, how much of it is open, and the newest of that.

No cost grows with the answer key: counts come from counters, and at most OPEN_MAX open entries are looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mocklend.storage.snapshot import Snapshot
from mocklend_faults.engine import journal
from mocklend_faults.engine.answer_key import Entry, newest_open
from mocklend_faults.engine.layer import OPEN_MAX, FaultLayer

NEWEST = 10
"""How many open entries are listed."""


class RuleNow(NamedTuple):
    """A rule: whether it is on, how often it has injected, and how many of its entries are open."""

    id: str
    fault: str
    enabled: bool
    injected: int
    open: int


@dataclass(frozen=True, slots=True)
class WrongNow:
    """What is wrong now. `open` counts up to OPEN_MAX, as `by_class` does, and `newest` has the newest first."""

    rules: Sequence[RuleNow]
    open: int
    by_class: Mapping[str, int]
    newest: Sequence[Entry]


class _OpenBy(NamedTuple):
    rule: str
    finding_class: str
    number: int


def wrong_now(layer: FaultLayer, snapshot: Snapshot) -> WrongNow:
    """What is wrong in the sandbox of a snapshot."""
    open_by = snapshot.rows(_OpenBy, journal.OPEN_BY, now_ms=snapshot.now_ms, most=OPEN_MAX)
    of_rules: Counter[str] = Counter()
    by_class: Counter[str] = Counter()
    for row in open_by:
        of_rules[row.rule] += row.number
        by_class[row.finding_class] += row.number
    rules = [
        RuleNow(
            stored["id"], stored["rule"]["fault"], stored["rule"]["enabled"], tally.injected, of_rules[stored["id"]]
        )
        for stored, tally in layer.counted(snapshot)
    ]
    return WrongNow(
        sorted(rules, key=lambda rule: (-rule.open, -rule.injected, rule.id)),
        min(by_class.total(), OPEN_MAX),
        dict(by_class.most_common()),
        newest_open(snapshot, NEWEST, OPEN_MAX),
    )
