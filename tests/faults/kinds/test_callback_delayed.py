"""The channel's message comes late, and always comes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mocklend.seams.callback_attempt import LOST_FOR_GOOD, CallbackAttempt
from mocklend.seams.signals import applied
from mocklend_faults.kinds.callback_delayed import CallbackDelayed
from support.events import example
from support.layer_harness import LayerHarness


def test_the_attempts_before_the_third_are_lost() -> None:
    fault = CallbackDelayed(deliver_on_attempt=3)

    assert fault.callback_attempt(example(CallbackAttempt, occurrence=1)).lost_attempts == 2
    assert fault.callback_attempt(example(CallbackAttempt, occurrence=2)).lost_attempts == 1
    assert fault.callback_attempt(example(CallbackAttempt, occurrence=3)) == example(CallbackAttempt, occurrence=3)


@given(expected=st.integers(2, 100), retry_schedule=st.integers(1, 16), data=st.data())
def test_the_last_attempt_of_a_retry_schedule_is_never_lost(
    expected: int, retry_schedule: int, data: st.DataObject
) -> None:
    occurrence = data.draw(st.integers(1, retry_schedule))
    attempt = example(CallbackAttempt, occurrence=occurrence, attempts_left=retry_schedule - occurrence + 1)

    lost = CallbackDelayed(deliver_on_attempt=expected).callback_attempt(attempt).lost_attempts

    assert 0 <= lost < attempt.attempts_left
    assert occurrence + lost <= max(expected, occurrence)


def test_it_does_not_deliver_attempts_that_another_fault_loses() -> None:
    lost = example(CallbackAttempt, lost_attempts=LOST_FOR_GOOD)

    assert CallbackDelayed().callback_attempt(lost) == lost


def test_it_heals_when_the_callback_is_delivered(harness: LayerHarness) -> None:
    harness.arm("late", "callback.delayed")

    harness.meet(example(CallbackAttempt))
    harness.hear(applied("rpy_ada"))

    [entry] = harness.key()
    assert (entry.status, entry.served["callback"], entry.served["attempts"]) == ("healed", "lost", 2)


def test_a_late_callback_of_posted_money_is_masked(harness: LayerHarness) -> None:
    harness.arm("late", "callback.delayed")

    harness.meet(example(CallbackAttempt, in_books=True))

    [entry] = harness.key()
    assert entry.status == "masked"
    assert entry.to_json()["status_reason"] == "the books have the money already"
