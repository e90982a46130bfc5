"""Auto-debit on the due date: once if the books get the money, again if they do not."""

from __future__ import annotations

import pytest

from mocklend.domain.product import PRODUCTS
from mocklend.lending import AddBorrower, Borrow
from mocklend.scheduling.released import Released
from mocklend.storage.entities import Loan
from support.story import Story

DAY = 86_400


def lend(story: Story, *, auto_debit: bool) -> str:
    """Ada borrows 1,000.00 on 5 January; the first instalment falls due on 5 February."""
    who = story.platform.run(AddBorrower(story.sandbox_id, "ada", "Ada", 10**9)).body["id"]
    product = PRODUCTS["jiebei-like"]
    borrow = Borrow(
        story.sandbox_id, story.key(), who, 100_000, "CNY", product, "jiebei-like", None, auto_debit=auto_debit
    )
    loan_id: str = story.platform.run(borrow).body["id"]
    return loan_id


def debits(released: list[Released]) -> list[str]:
    """The moments at which a debit was attempted."""
    return [item["at"] for item in released if item["kind"] == "auto_debit"]


def test_the_due_amount_is_debited_at_ten_on_the_due_date(story: Story) -> None:
    loan_id = lend(story, auto_debit=True)

    released = story.wait(days=32)

    assert debits(released) == [f"2026-02-05T{hour:02}:00:00.000Z" for hour in (2, 6, 10)]  # 10, 14 and 18 in Shanghai
    page = story.page(loan_id)
    assert (page["status"], page["overdue_minor"]) == ("USING", 0)
    assert page["paid_minor"] == 9_090
    assert story.discrepancies() == []


def test_a_loan_without_auto_debit_becomes_overdue(story: Story) -> None:
    loan_id = lend(story, auto_debit=False)

    released = story.wait(days=32)

    assert debits(released) == []
    assert story.page(loan_id)["status"] == "OVD"


def test_a_year_of_debits_clears_the_loan_and_then_stops(story: Story) -> None:
    loan_id = lend(story, auto_debit=True)

    story.wait(days=366)

    assert story.page(loan_id)["status"] == "CLEAR"
    assert story.entity(Loan, loan_id).debit_ms is None
    assert story.discrepancies() == []


@pytest.mark.parametrize(("channel", "delay_s"), [("wallet", 2), ("bank_transfer", 1_800)])
def test_a_payout_in_transit_is_lending_until_the_channel_has_paid(story: Story, channel: str, delay_s: int) -> None:
    who = story.platform.run(AddBorrower(story.sandbox_id, "ada", "Ada", 10**9)).body["id"]
    product = PRODUCTS["jiebei-like"]
    order = Borrow(story.sandbox_id, story.key(), who, 100_000, "CNY", product, None, None, False, channel, delay_s)
    loan = story.platform.run(order).body

    assert (loan["status"], loan["disbursed_at"]) == ("LENDING", None)
    story.wait(delay_s)

    page = story.page(loan["id"])
    assert page["status"] == "USING"
    assert page["disbursed_at"] is not None
    assert [transaction["kind"] for transaction in story.journal(loan["id"])] == [
        "disbursement_accepted",
        "disbursement_confirmed",
    ]
    assert story.discrepancies() == []
