"""A dispute waits past its deadline."""

from __future__ import annotations

from mocklend.seams.dispute_opened import DisputeOpened
from mocklend_faults.kinds.dispute_deadline_missed import DeadlineMissed
from support.events import example
from support.layer_harness import LayerHarness

DAY_S = 86_400


def test_operations_decide_after_twenty_five_days() -> None:
    assert DeadlineMissed().dispute_opened(example(DisputeOpened)).queue_s == 25 * DAY_S


def test_the_break_begins_on_the_twentieth_day_and_ends_with_the_decision(harness: LayerHarness) -> None:
    harness.arm("queue", "dispute.deadline_missed")
    harness.meet(example(DisputeOpened))

    harness.later(20 * DAY_S - 1)
    assert harness.statuses() == ["pending"]
    harness.later(1)
    assert harness.statuses() == ["active"]
    harness.later(5 * DAY_S)
    assert harness.statuses() == ["healed"]


def test_a_short_queue_breaks_no_deadline(harness: LayerHarness) -> None:
    harness.arm("queue", "dispute.deadline_missed", **{"with": {"queue_days": 20}})

    harness.meet(example(DisputeOpened))

    [entry] = harness.key()
    assert (entry.status, entry.to_json()["status_reason"]) == ("masked", "operations still have time to answer")
