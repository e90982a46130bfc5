"""Counts are written exactly once, also after a failed group and beside concurrent counts and reads."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from mocklend.seams.operator_edit import OperatorEdit
from mocklend_faults.engine import counters as counting
from mocklend_faults.engine.catalogue import installed
from mocklend_faults.engine.commands import PatchRule
from mocklend_faults.engine.counters import Counters, count_rows
from mocklend_faults.engine.rule_index import RuleIndex
from mocklend_faults.engine.rules import Rule
from support.events import example, example_request
from support.layer_harness import LAG, SLIP, LayerHarness, loans

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
    """The rows that would be written, as (statement, evaluated)."""
    return [(name, row["evaluated"]) for name, row in count_rows([("sbx", counts)])]


def request(counters: Counters, at: RuleIndex) -> None:
    counters.count_request(at, [(at.rules[0], False)])


def test_taken_counts_stay_pending_until_they_are_committed() -> None:
    counters, at = Counters(), index()
    request(counters, at)

    assert totals(counters.unwritten()) == totals(counters.unwritten()) == [("rule_counts.add", 1)]

    counters.written(counters.unwritten())
    assert totals(counters.unwritten()) == []
    assert not counters.due


def test_counts_made_during_a_write_are_kept() -> None:
    counters, at = Counters(), index()
    request(counters, at)
    counts = counters.unwritten(all_seams=True)
    request(counters, at)
    counters.count_events([at, at])

    counters.written(counts)

    assert totals(counters.unwritten(all_seams=True)) == [("rule_counts.add", 1), ("seam_counts.add", 3)]


def test_a_read_during_a_write_makes_the_next_group_write() -> None:
    counters, at = Counters(), index()
    counters.count_events([at])
    counters.write_soon()
    counts = counters.unwritten()
    counters.count_events([at])
    counters.write_soon()

    counters.written(counts)

    assert counters.due
    assert totals(counters.unwritten()) == [("seam_counts.add", 1)]


def test_many_pending_counts_are_due_until_they_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "SKIPPED_MAX", 3)
    counters, at = Counters(), index()
    counters.count_events([at, at])
    assert not counters.due
    counters.count_events([at])
    assert counters.due

    counters.written(counters.unwritten())

    assert not counters.due


def test_one_rules_version_loaded_twice_has_one_row() -> None:
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


def test_counters_say_at_which_stage_an_event_was_rejected(harness: LayerHarness) -> None:
    harness.arm("slip", SLIP, match={"operator": "wang"}, select={"skip_first": 1})

    harness.meet(example(OperatorEdit, occurrence=1, operator="li"))  # evaluated
    harness.meet(example(OperatorEdit, occurrence=2))  # and matched
    harness.meet(example(OperatorEdit, occurrence=3, amount_minor=5))  # and selected
    harness.meet(example(OperatorEdit, occurrence=4))  # and injected

    assert harness.counted("slip") == (4, 3, 2, 1)


def test_counters_are_the_same_in_one_group_and_after_a_restart(
    harness: LayerHarness, another_layer: Callable[[], None]
) -> None:
    harness.arm("lag", LAG, select={"times": 3})
    harness.group(*loans(2))
    another_layer()

    outcome = harness.group(*loans(9)[2:])

    assert [item.lag_s for item in outcome] == [60, 0, 0, 0, 0, 0, 0]
    assert harness.counted("lag") == (9, 9, 3, 3)


def test_a_skipped_rule_is_counted_like_an_evaluated_one(harness: LayerHarness) -> None:
    harness.arm("found", LAG, match={"loan_id": "loan_1"})
    harness.arm("asked", LAG, match={"loan_id": {"matches": "loan_1"}})

    harness.group(*loans(4))
    harness.group(*loans(1))

    assert harness.counted("found")[:2] == harness.counted("asked")[:2] == (5, 1)


def test_a_rule_is_counted_as_skipped_only_while_it_is_on(harness: LayerHarness) -> None:
    harness.arm("early", LAG, match={"loan_id": "nobody"})
    harness.group(*loans(2))
    harness.arm("late", LAG, match={"loan_id": "nobody"})
    harness.group(*loans(3))
    harness.run(PatchRule(harness.sandbox.id, "early", enabled=False))
    harness.group(*loans(4))
    harness.run(PatchRule(harness.sandbox.id, "early", enabled=True))
    harness.group(*loans(5))

    assert harness.counted("early")[0] == 2 + 3 + 5
    assert harness.counted("late")[0] == 3 + 4 + 5


def idle(harness: LayerHarness, count: int) -> list[tuple[str, int]]:
    """The rows that are written after this many events for each of which 20 rules were skipped."""
    for n in range(20):
        harness.arm(f"idle-{n}", LAG, match={"loan_id": "nobody"})
    harness.group(*loans(count))
    return [(name, row["evaluated"]) for name, row in harness.counters]


def test_skipped_counts_are_written_when_they_are_read_one_row_per_seam(harness: LayerHarness) -> None:
    assert idle(harness, 4) == []

    assert harness.layer.write_counts(harness.sandbox.id)
    harness.group()
    assert [(name, row["evaluated"]) for name, row in harness.counters] == [("seam_counts.add", 4)]
    harness.layer.write_counts(harness.sandbox.id)
    harness.group()
    assert not harness.counters, "all of it is written"


def test_skipped_counts_are_written_after_many_events(harness: LayerHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "SKIPPED_MAX", 6)
    assert idle(harness, 5) == []

    harness.layer.may_affect(example_request(entity="nobody's"))  # No rule is there, so this is none of them.
    harness.group(*loans(1))
    assert not harness.counters
    harness.group()
    assert [(name, row["evaluated"]) for name, row in harness.counters] == [("seam_counts.add", 6)]


def test_skipped_counts_are_written_when_the_platform_stops(harness: LayerHarness) -> None:
    assert idle(harness, 3) == []

    assert [(name, row["evaluated"]) for name, row in harness.layer.drain()] == [("seam_counts.add", 3)]
    assert harness.layer.drain() == []


def test_counts_of_a_failed_group_are_written_by_the_next(harness: LayerHarness) -> None:
    idle(harness, 4)
    harness.layer.write_counts(harness.sandbox.id)

    harness.group(*loans(2), fail=True)
    harness.group()

    assert [(name, row["evaluated"]) for name, row in harness.counters] == [("seam_counts.add", 4)]


def test_counts_of_a_failed_group_are_written_when_the_platform_stops(harness: LayerHarness) -> None:
    idle(harness, 4)
    harness.layer.write_counts(harness.sandbox.id)

    harness.group(fail=True)

    assert [(name, row["evaluated"]) for name, row in harness.layer.drain()] == [("seam_counts.add", 4)]


def test_pending_counts_of_a_reset_sandbox_are_not_written(harness: LayerHarness) -> None:
    idle(harness, 4)
    harness.layer.write_counts(harness.sandbox.id)

    harness.layer.sandbox_reset(harness.sandbox.id)
    harness.group()

    assert not harness.counters
    assert harness.layer.drain() == []
