"""Reversing a repayment, and querying a channel about an order."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mocklend.domain.problems import Refused
from mocklend.servicing import ReinstateRepayment
from mocklend.storage.entities import Repayment
from support.story import Story


def test_a_reversed_repayment_leaves_its_money_unapplied_and_reopens_the_loan(story: Story) -> None:
    loan_id = story.borrow()
    repayment_id = story.settle(loan_id)

    answer = story.reverse(repayment_id)

    assert (answer["status"], answer["applied_minor"], answer["overpaid_minor"]) == ("REVERSED", 0, 0)
    page = story.page(loan_id)
    assert (page["status"], page["outstanding_minor"], page["paid_minor"]) == ("USING", 100_000, 0)
    unapplied = sum(
        p["amount_minor"] * ((p["credit"] == "2102") - (p["debit"] == "2102"))
        for t in story.journal(loan_id) for p in t["postings"]
    )  # fmt: skip
    assert unapplied == answer["amount_minor"]
    assert story.discrepancies() == []


def test_a_reversed_repayment_can_be_ordered_again(story: Story) -> None:
    loan_id = story.borrow()
    story.reverse(story.settle(loan_id))

    story.settle(loan_id)

    assert story.page(loan_id)["status"] == "CLEAR"
    assert story.discrepancies() == []


def test_only_a_posted_repayment_is_reversed_and_only_once(story: Story) -> None:
    loan_id = story.borrow()
    waiting = story.order(loan_id, 100, "bank_transfer")
    done = story.repay(loan_id, 100)
    story.reverse(done)

    for repayment_id, received in ((waiting, "PROCESSING"), (done, "REVERSED")):
        with pytest.raises(Refused) as caught:
            story.reverse(repayment_id)
        assert (caught.value.code, caught.value.received) == ("repayment_not_applied", received)
    with pytest.raises(Refused, match="repayment_unknown"):
        story.reverse("rpy_x")


def test_a_query_before_the_channel_has_the_money_is_refused(story: Story) -> None:
    repayment_id = story.order(story.borrow(), 100, "bank_transfer")

    with pytest.raises(Refused) as caught:
        story.query_channel(repayment_id)

    assert (caught.value.code, caught.value.received) == ("trade_not_paid", "CREATED")
    with pytest.raises(Refused, match="repayment_unknown"):
        story.query_channel("rpy_x")


def test_a_query_of_a_posted_repayment_changes_nothing(story: Story) -> None:
    repayment_id = story.repay(story.borrow(), 100)
    before = story.everything(without=frozenset({"idempotency"}))

    assert story.query_channel(repayment_id)["status"] == "S"

    assert story.everything(without=frozenset({"idempotency"})) == before


def split(story: Story, repayment_id: str) -> tuple[int, int]:
    """How much of a repayment settled something, and how much was too much, as its row says."""
    stored = story.entity(Repayment, repayment_id)
    return stored.applied_minor, stored.overpaid_minor


def test_a_later_repayment_is_allocated_again_when_an_earlier_one_is_reversed(
    tell: Callable[..., Story],
) -> None:
    """1,000.45 is owed. Of 950.00 after 95.00 there are 44.55 too much, and none once the 95.00 are gone."""
    story, other = tell(), tell()
    loan_id = story.borrow()
    first = story.repay(loan_id, 9_500, type="CLEAR")
    second = story.repay(loan_id, 95_000, type="CLEAR")
    assert split(story, second) == (90_545, 4_455)

    story.reverse(first)

    assert split(story, second) == (95_000, 0)
    other.repay(other.borrow(), 95_000, type="CLEAR")  # Somebody who never paid the first.
    assert story.receivable(loan_id) == other.receivable(loan_id) > 0
    assert story.page(loan_id)["overpaid_minor"] == other.page(loan_id)["overpaid_minor"] == 0
    assert story.discrepancies() == []


def test_a_later_repayment_is_allocated_again_when_an_earlier_one_is_reinstated(story: Story) -> None:
    loan_id = story.borrow()
    first = story.repay(loan_id, 9_500, type="CLEAR")
    second = story.repay(loan_id, 95_000, type="CLEAR")
    story.reverse(first)

    story.platform.run(ReinstateRepayment(story.sandbox_id, story.key(), first, "it was paid", "op"))

    assert (split(story, first), split(story, second)) == ((9_500, 0), (90_545, 4_455))
    assert story.discrepancies() == []


def test_reversing_an_edit_changes_what_later_money_settled(story: Story) -> None:
    """A fee of 7.00 is paid by the payoff; without it, the 7.00 were too much."""
    loan_id = story.borrow()
    fee = story.edit(loan_id, 700)
    payoff = story.settle(loan_id)
    paid = story.entity(Repayment, payoff).amount_minor
    assert split(story, payoff) == (paid, 0)

    story.reverse_edit(fee)

    assert split(story, payoff) == (paid - 700, 700)
    assert story.discrepancies() == []


def test_a_reversed_overpayment_is_no_longer_overpaid(story: Story) -> None:
    loan_id = story.borrow()
    repayment_id = story.repay(loan_id, 150_000, type="CLEAR")
    assert story.page(loan_id)["overpaid_minor"] == 150_000 - 100_045

    story.reverse(repayment_id)

    assert story.page(loan_id)["overpaid_minor"] == 0
    assert story.discrepancies() == []
