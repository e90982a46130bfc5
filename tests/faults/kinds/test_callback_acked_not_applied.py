"""A callback is answered 200 and dropped."""

from __future__ import annotations

from mocklend.seams.callback_attempt import CallbackAttempt
from mocklend.seams.signals import applied, landed
from mocklend_faults.kinds.callback_acked_not_applied import AckedNotApplied
from support.events import example
from support.layer_harness import LayerHarness


def test_the_callback_is_acknowledged_and_not_applied() -> None:
    outcome = AckedNotApplied().callback_attempt(example(CallbackAttempt))

    assert (outcome.discarded, outcome.lost_attempts, outcome.altered) == (True, 0, None)


def test_the_money_is_missing_until_the_channel_is_queried(harness: LayerHarness) -> None:
    harness.arm("ack", "callback.acked_not_applied")

    harness.meet(example(CallbackAttempt))

    [entry] = harness.key()
    assert entry.to_json()["expected"] == {"class": "missing_in_books", "entity": "rpy_ada", "amount_minor": 100_000}
    assert entry.to_json()["served"] == {"applied": False, "callback": "acked"}

    harness.hear(applied("rpy_ada"))

    assert harness.statuses() == ["healed"]


def test_a_push_payment_that_lands_on_no_loan_is_another_break(harness: LayerHarness) -> None:
    harness.arm("ack", "callback.acked_not_applied")
    harness.meet(example(CallbackAttempt, entity="rct_ada", repayment_id="rct_ada"))

    harness.hear(landed("rct_ada"))

    assert harness.statuses() == ["superseded"]


def test_dropping_a_callback_of_posted_money_is_masked(harness: LayerHarness) -> None:
    harness.arm("ack", "callback.acked_not_applied")

    harness.meet(example(CallbackAttempt, in_books=True))

    assert harness.statuses() == ["masked"]
