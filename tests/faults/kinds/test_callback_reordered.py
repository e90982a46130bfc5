"""An older event arrives behind a newer one."""

from __future__ import annotations

import pytest

from mocklend.seams.callback_taken import CallbackTaken
from mocklend.seams.signals import applied
from mocklend_faults.kinds.callback_reordered import CallbackReordered
from support.events import example
from support.layer_harness import LayerHarness


def test_an_inbox_that_checks_the_order_ignores_the_older_event(harness: LayerHarness) -> None:
    harness.arm("order", "callback.reordered")

    outcome = harness.meet(example(CallbackTaken))

    [entry] = harness.key()
    assert (outcome.older_event, outcome.believed) == ("CLOSED", False)
    assert entry.to_json()["status_reason"] == "a final state does not go back"


def test_an_inbox_that_does_not_check_loses_the_money_until_the_channel_is_queried(harness: LayerHarness) -> None:
    harness.arm("order", "callback.reordered", **{"with": {"inbox": "believes"}})

    harness.meet(example(CallbackTaken))

    [entry] = harness.key()
    expected = {"class": "missing_in_books", "entity": "rpy_ada", "amount_minor": 100_000}
    assert (entry.to_json()["expected"], entry.open) == (expected, True)

    harness.hear(applied("rpy_ada"))

    assert harness.statuses() == ["healed"]


@pytest.mark.parametrize("inbox", ["checks", "believes"])
def test_a_receipt_that_staff_have_reversed_cannot_be_reversed_by_the_late_callback(inbox: str) -> None:
    reversed_by_staff = example(CallbackTaken, order_status="REVERSED")

    assert CallbackReordered(inbox=inbox).callback_taken(reversed_by_staff) is reversed_by_staff


def test_copies_of_a_callback_are_unchanged() -> None:
    outcome = CallbackReordered(inbox="believes").callback_taken(example(CallbackTaken, copies=2, new_trade_no=True))

    assert (outcome.copies, outcome.new_trade_no, outcome.believed) == (2, True, True)
