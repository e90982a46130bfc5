"""A callback is sent again, under the same number or another."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mocklend.seams.callback_taken import COPIES_MAX, CallbackTaken
from mocklend.seams.signals import reversed_
from mocklend_faults.kinds.callback_duplicated import CallbackDuplicated
from support.events import example
from support.layer_harness import LayerHarness


def test_by_default_one_copy_has_a_new_number() -> None:
    outcome = CallbackDuplicated().callback_taken(example(CallbackTaken))

    assert (outcome.copies, outcome.new_trade_no) == (1, True)


@given(copies=st.integers(1, COPIES_MAX), before=st.integers(0, COPIES_MAX), number=st.sampled_from(["new", "same"]))
def test_copies_add_up_and_never_become_too_many(copies: int, before: int, number: str) -> None:
    fault = CallbackDuplicated(copies=copies, trade_no=number)

    outcome = fault.callback_taken(example(CallbackTaken, copies=before))

    assert outcome.copies == min(before + copies, COPIES_MAX)
    assert outcome.new_trade_no == (number == "new")


def test_a_copy_with_the_same_number_keeps_another_rules_new_number() -> None:
    assert (
        CallbackDuplicated(trade_no="same")
        .callback_taken(example(CallbackTaken, copies=1, new_trade_no=True))
        .new_trade_no
    )


def test_a_second_receipt_is_an_open_injection_until_it_is_reversed(harness: LayerHarness) -> None:
    harness.arm("twice", "callback.duplicated")

    harness.meet(example(CallbackTaken))

    [entry] = harness.key()
    expected = {"class": "duplicate_in_books", "entity": "rct_ada_again", "amount_minor": 100_000}
    assert (entry.to_json()["expected"], entry.open) == (expected, True)

    harness.hear(reversed_("rct_ada_again"))

    assert harness.statuses() == ["healed"]


def test_an_inbox_that_knows_the_number_ignores_the_copy(harness: LayerHarness) -> None:
    harness.arm("twice", "callback.duplicated", **{"with": {"trade_no": "same", "copies": 3}})

    harness.meet(example(CallbackTaken))

    [entry] = harness.key()
    assert entry.to_json()["status_reason"] == "the inbox knows the trade number"
    assert (entry.status, entry.served["copies"]) == ("masked", 3)
