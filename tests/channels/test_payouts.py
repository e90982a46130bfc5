"""Payouts that fail: the loan is FAILED and owes nothing; a payout that was paid cannot fail."""

from __future__ import annotations

import pytest

from mocklend.channels.payouts import FailPayout, PayoutDoc
from mocklend.domain.problems import Refused
from mocklend.domain.product import PRODUCTS
from mocklend.lending import AddBorrower, Borrow
from mocklend.views.reads import payouts
from support.story import Story


def borrow_through(story: Story, channel: str = "bank_transfer", delay_s: int = 7_200) -> str:
    """Ada borrows 1,000.00, and the channel takes its time."""
    ada = story.platform.run(AddBorrower(story.sandbox_id, "ada", "Ada", 10**12)).body["id"]
    product = PRODUCTS["jiebei-like"]
    command = Borrow(story.sandbox_id, story.key(), ada, 100_000, "CNY", product, None, None, False, channel, delay_s)
    loan_id: str = story.platform.run(command).body["id"]
    return loan_id


def payout_of(story: Story, loan_id: str) -> str:
    """The loan's only payout."""
    with story.platform.read() as connection:
        (sample,) = payouts(story.snapshot(connection), loan_id)
    return str(sample.id)


def fail(story: Story, payout_id: str, channel: str = "bank_transfer") -> PayoutDoc:
    """The channel cannot pay."""
    return story.run(FailPayout(story.sandbox_id, story.key(), channel, payout_id), PayoutDoc)


def test_a_loan_whose_payout_fails_is_failed_and_owes_nothing(story: Story) -> None:
    loan_id = borrow_through(story)

    payout = fail(story, payout_of(story, loan_id))
    story.wait(days=40)

    assert payout["state"] == "FAILED"
    assert story.page(loan_id)["status"] == "FAILED"
    assert story.receivable(loan_id) == 0
    assert story.discrepancies() == []


def test_a_payout_that_was_paid_cannot_fail_nor_can_one_fail_twice(story: Story) -> None:
    paid, failed = borrow_through(story), borrow_through(story, delay_s=90_000)
    story.wait(7_200)
    fail(story, payout_of(story, failed))

    for loan_id in (paid, failed):
        with pytest.raises(Refused, match="payout_not_failable"):
            fail(story, payout_of(story, loan_id))
    with pytest.raises(Refused, match="payout_unknown"):
        fail(story, payout_of(story, paid), "wallet")
