"""What is counted is written once: not lost by a group that fails, nor by whoever counts or asks meanwhile."""

from __future__ import annotations

import threading

import pytest

from mocklend_faults.engine import counters as counting
from mocklend_faults.engine.catalogue import installed
from mocklend_faults.engine.counters import Counters, count_rows
from mocklend_faults.engine.rule_index import RuleIndex
from mocklend_faults.engine.rules import Rule

SEAM = "view.refresh"


def index(version: int = 1) -> RuleIndex:
    """A seam with a rule that is skipped and one that is asked."""
    fault = {"fault": "cache.bounded_stale"}
    rules = [
        Rule.from_json("asked", fault, installed()),
        Rule.from_json("skipped", {**fault, "match": {"loan_id": "nobody"}}, installed()),
    ]
    return RuleIndex(SEAM, rules, version)


def totals(counts: counting.Unwritten) -> list[tuple[str, int]]:
    """What would be written, as (statement, events)."""
    return [(name, row["evaluated"]) for name, row in count_rows([("sbx", counts)])]


def request(counters: Counters, at: RuleIndex) -> None:
    counters.count_request(at, [(at.rules[0], False)])


def test_what_was_taken_stays_until_it_is_durable() -> None:
    counters, at = Counters(), index()
    request(counters, at)

    assert totals(counters.unwritten()) == totals(counters.unwritten()) == [("rule_counts.add", 1)]

    counters.written(counters.unwritten())
    assert totals(counters.unwritten()) == []
    assert not counters.due


def test_what_is_counted_while_others_are_written_stays() -> None:
    counters, at = Counters(), index()
    request(counters, at)
    taken = counters.unwritten(all_seams=True)
    request(counters, at)
    counters.count_events([at, at])

    counters.written(taken)

    assert totals(counters.unwritten(all_seams=True)) == [("rule_counts.add", 1), ("seam_counts.add", 3)]


def test_who_asks_while_others_are_written_is_heard_by_the_next_group() -> None:
    counters, at = Counters(), index()
    counters.count_events([at])
    counters.write_soon()
    taken = counters.unwritten()
    counters.count_events([at])
    counters.write_soon()

    counters.written(taken)

    assert counters.due
    assert totals(counters.unwritten()) == [("seam_counts.add", 1)]


def test_many_that_wait_are_due_until_they_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "SKIPPED_MAX", 3)
    counters, at = Counters(), index()
    counters.count_events([at, at])
    assert not counters.due
    counters.count_events([at])
    assert counters.due

    counters.written(counters.unwritten())

    assert not counters.due


def test_one_version_that_was_loaded_twice_is_one_row() -> None:
    counters = Counters()
    counters.count_events([index(), index(), index(version=2)])

    assert totals(counters.unwritten(all_seams=True)) == [("seam_counts.add", 2), ("seam_counts.add", 1)]


def test_threads_that_count_while_one_writes_lose_nothing() -> None:
    counters, at, each = Counters(), index(), 2_000

    def count() -> None:
        for _ in range(each):
            request(counters, at)

    threads = [threading.Thread(target=count) for _ in range(4)]
    written = 0

    def write() -> int:
        counts = counters.unwritten(all_seams=True)
        counters.written(counts)
        return sum(count for _, count in totals(counts))

    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        written += write()
    for thread in threads:
        thread.join()

    assert written + write() == 2 * 4 * each
