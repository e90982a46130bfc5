"""Quotes and repayments: a repayment is only an order until its channel has the money."""

from __future__ import annotations

from datetime import date
from typing import cast

import pytest

from mocklend.domain.channel import channels
from mocklend.domain.problems import Refused
from mocklend.storage.entities import Repayment
from support.story import Story


def test_a_quote_paid_through_any_channel_clears_the_loan(story: Story) -> None:
    for channel in channels():
        loan_id = story.borrow(borrower=channel)

        repayment_id = story.settle(loan_id, channel)

        page, repayment = story.page(loan_id), story.entity(Repayment, repayment_id)
        assert (page["status"], page["outstanding_minor"], page["overpaid_minor"]) == ("CLEAR", 0, 0), channel
        assert (repayment.status, repayment.applied_minor) == ("S", repayment.amount_minor)
    assert story.discrepancies() == []


def test_an_order_settles_nothing_until_the_channel_has_the_money(story: Story) -> None:
    loan_id = story.borrow()
    before = story.page(loan_id)

    repayment_id = story.order(loan_id, 9_500, "bank_card")

    assert story.entity(Repayment, repayment_id).status == "PROCESSING"
    assert story.page(loan_id) == before
    story.wait(4)
    assert story.page(loan_id) == before
    story.wait(1)
    assert story.page(loan_id)["paid_minor"] == 9_500


def test_the_same_request_for_the_same_version_has_the_same_quote(story: Story) -> None:
    loan_id = story.borrow()

    first, again = story.quote(loan_id), story.quote(loan_id)

    assert first == again
    assert first["valid_until"] == "2026-01-05T15:59:59.999Z"
    assert len(story.everything()["quotes"]) == 1
    story.repay(loan_id, 100)
    assert story.quote(loan_id)["id"] != first["id"]


def test_a_quote_is_the_sum_of_its_buckets(story: Story) -> None:
    loan_id = story.borrow()
    story.edit(loan_id, 500)
    story.wait(days=40)

    quote = story.quote(loan_id, "OVD_AND_CURRENT")

    buckets = cast(dict[str, int], quote["buckets"])
    assert quote["total_minor"] == sum(buckets.values())
    assert quote["buckets"]["overdue_principal_minor"] > 0
    assert quote["buckets"]["penalty_principal_minor"] > 0
    assert quote["buckets"]["fee_minor"] == 500


def test_a_quote_for_another_day_is_valid_until_that_day_ends(story: Story) -> None:
    loan_id = story.borrow()
    quote = story.quote(loan_id, on=date(2026, 1, 20))

    story.wait(days=15)
    story.platform.run(story.repayment(loan_id, quote["total_minor"], type="CLEAR", quote_id=quote["id"]))
    story.wait(2)

    assert story.page(loan_id)["status"] == "CLEAR"
    assert story.page(loan_id)["overpaid_minor"] == 0


@pytest.mark.parametrize("on", [date(2026, 1, 4), date(2027, 1, 7), date(9999, 12, 31)])
def test_a_quote_is_for_today_or_a_day_within_the_year(story: Story, on: date) -> None:
    loan_id = story.borrow()

    with pytest.raises(Refused, match="amount_out_of_range"):
        story.quote(loan_id, on=on)


def test_a_quote_is_valid_until_the_end_of_its_day(story: Story) -> None:
    loan_id = story.borrow()
    quote = story.quote(loan_id)
    story.wait(days=1)

    with pytest.raises(Refused, match="quote_stale"):
        story.platform.run(story.repayment(loan_id, quote["total_minor"], type="CLEAR", quote_id=quote["id"]))


@pytest.mark.parametrize(("amount", "type"), [(1, "CLEAR"), (0, "OVD_AND_CURRENT")])
def test_a_repayment_by_quote_has_the_amount_of_the_quote(story: Story, amount: int, type: str) -> None:
    loan_id = story.borrow()
    quote = story.quote(loan_id)

    with pytest.raises(Refused) as caught:
        story.platform.run(story.repayment(loan_id, quote["total_minor"] + amount, type=type, quote_id=quote["id"]))

    assert caught.value.code == "quote_mismatch"
    assert caught.value.expected == {"type": "CLEAR", "amount_minor": quote["total_minor"]}


def test_a_quote_belongs_to_its_loan(story: Story) -> None:
    mine, theirs = story.borrow(), story.borrow(borrower="bob")
    quote = story.quote(theirs)

    with pytest.raises(Refused, match="quote_unknown"):
        story.platform.run(story.repayment(mine, quote["total_minor"], type="CLEAR", quote_id=quote["id"]))


def test_a_clear_loan_takes_no_more_orders(story: Story) -> None:
    loan_id = story.borrow()
    story.settle(loan_id)

    for ask in (lambda: story.order(loan_id, 100), lambda: story.quote(loan_id)):
        with pytest.raises(Refused, match="loan_not_active"):
            ask()


def test_money_in_transit_when_the_loan_clears_is_overpaid(story: Story) -> None:
    loan_id = story.borrow()
    slow = story.order(loan_id, 5_000, "bank_transfer")
    story.settle(loan_id)

    story.wait(1800)

    page, repayment = story.page(loan_id), story.entity(Repayment, slow)
    assert (page["status"], page["overpaid_minor"]) == ("CLEAR", 5_000)
    assert (repayment.status, repayment.applied_minor, repayment.overpaid_minor) == ("S", 0, 5_000)
    assert story.discrepancies() == []


def test_an_instalment_paid_early_accrues_nothing_more(story: Story) -> None:
    loan_id = story.borrow()
    story.wait(days=10)
    story.repay(loan_id, story.quote(loan_id, "OVD_AND_CURRENT")["total_minor"])

    story.wait(days=30)

    assert story.page(loan_id)["status"] == "USING"
    assert story.page(loan_id)["overdue_minor"] == 0
    assert story.page(loan_id)["next_due"]["n"] == 2
    assert story.discrepancies() == []
