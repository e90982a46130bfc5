"""Reversing a repayment, and asking a channel what became of an order."""

from __future__ import annotations

from typing import Any

import pytest

from mocklend.domain.problems import Refused


def test_a_reversed_repayment_leaves_its_money_unapplied_and_reopens_the_loan(story: Any) -> None:
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


def test_a_reversed_repayment_can_be_made_again(story: Any) -> None:
    loan_id = story.borrow()
    story.reverse(story.settle(loan_id))

    story.settle(loan_id)

    assert story.page(loan_id)["status"] == "CLEAR"
    assert story.discrepancies() == []


def test_only_what_is_on_the_books_is_reversed_and_that_once(story: Any) -> None:
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


def test_a_channel_that_has_no_money_yet_says_so(story: Any) -> None:
    repayment_id = story.order(story.borrow(), 100, "bank_transfer")

    with pytest.raises(Refused) as caught:
        story.query_channel(repayment_id)

    assert (caught.value.code, caught.value.received) == ("trade_not_paid", "CREATED")
    with pytest.raises(Refused, match="repayment_unknown"):
        story.query_channel("rpy_x")


def test_asking_about_what_the_books_have_changes_nothing(story: Any) -> None:
    repayment_id = story.repay(story.borrow(), 100)
    before = story.everything(without=frozenset({"idempotency"}))

    assert story.query_channel(repayment_id)["status"] == "S"

    assert story.everything(without=frozenset({"idempotency"})) == before


def test_a_reversed_overpayment_is_no_longer_overpaid(story: Any) -> None:
    loan_id = story.borrow()
    repayment_id = story.repay(loan_id, 150_000, type="CLEAR")
    assert story.page(loan_id)["overpaid_minor"] == 150_000 - 100_045

    story.reverse(repayment_id)

    assert story.page(loan_id)["overpaid_minor"] == 0
    assert story.discrepancies() == []
