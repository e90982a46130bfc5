"""The channel has the money, and its callback never arrives."""

from __future__ import annotations

from mocklend.seams.callback_attempt import LOST_FOR_GOOD, CallbackAttempt
from mocklend.seams.signals import applied
from mocklend_faults.kinds.callback_dropped import CallbackDropped
from support.events import example
from support.layer_harness import LayerHarness


def test_by_default_every_attempt_is_lost() -> None:
    assert CallbackDropped().callback_attempt(example(CallbackAttempt)).lost_attempts == LOST_FOR_GOOD


def test_the_first_two_attempts_are_lost_and_the_third_arrives() -> None:
    fault = CallbackDropped(attempts_lost=2)

    assert fault.callback_attempt(example(CallbackAttempt, occurrence=1)).lost_attempts == 2
    assert fault.callback_attempt(example(CallbackAttempt, occurrence=2)).lost_attempts == 1
    assert fault.callback_attempt(example(CallbackAttempt, occurrence=3)) == example(CallbackAttempt, occurrence=3)


def test_it_does_not_deliver_attempts_that_another_fault_loses() -> None:
    lost = example(CallbackAttempt, lost_attempts=LOST_FOR_GOOD)

    assert CallbackDropped(attempts_lost=2).callback_attempt(lost) == lost


def test_the_money_is_missing_in_the_books_until_they_have_it(harness: LayerHarness) -> None:
    harness.arm("drop", "callback.dropped")

    harness.meet(example(CallbackAttempt))

    [entry] = harness.key()
    assert entry.to_json()["expected"] == {"class": "missing_in_books", "entity": "rpy_ada", "amount_minor": 100_000}
    assert entry.to_json()["served"] == {"callback": "lost", "attempts": 9}
    assert entry.open

    harness.later(3600)
    harness.hear(applied("rpy_ada"))

    [entry] = harness.key()
    assert entry.status == "healed"
    assert entry.to_json()["status_reason"] == "the receipt is on the books: rpy_ada"


def test_a_receipt_of_another_loan_does_not_heal_it(harness: LayerHarness) -> None:
    harness.arm("drop", "callback.dropped")
    harness.meet(example(CallbackAttempt))

    harness.hear(applied("rpy_bob"))

    assert harness.statuses() == ["active"]


def test_the_number_of_lost_attempts_is_decided_once(harness: LayerHarness) -> None:
    harness.arm("drop", "callback.dropped", **{"with": {"attempts_lost": 2}})

    harness.meet(example(CallbackAttempt, occurrence=1))
    arrives = harness.meet(example(CallbackAttempt, occurrence=3, attempts_left=7))

    assert arrives.lost_attempts == 0
    assert len(harness.key()) == 1
