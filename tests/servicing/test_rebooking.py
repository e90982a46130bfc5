"""Rebooking a repayment: with the ordered type, at the time of the payment, whatever has happened since."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mocklend.channels.payment_returns import ReturnPayment
from mocklend.domain.problems import Refused
from mocklend.domain.statuses import QuoteType
from mocklend.sandboxes.ids import out_trade_no
from mocklend.seams.receipt_booked import ReceiptBooked
from mocklend.seams.seam import SeamEvent
from mocklend.servicing import RebookRepayment
from mocklend.storage.entities import Repayment
from mocklend.storage.work import Work
from support.seams import decide_by
from support.story import Story

BY = ("as was ordered", "grace")
HONEST = Work.at


@pytest.fixture
def mistaken(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Books the next receipts with a wrong type."""

    def mistake(**changes: Any) -> None:
        def act(self: Work, event: SeamEvent) -> SeamEvent:
            outcome = HONEST(self, event)
            return replace(outcome, **changes) if isinstance(outcome, ReceiptBooked) else outcome

        decide_by(monkeypatch, act)

    return mistake


def test_rebooking_a_right_booking_changes_nothing(story: Story) -> None:
    loan_id = story.borrow(100_000)
    repayment = story.settle(loan_id)

    with pytest.raises(Refused, match="repayment_booked_right"):
        story.platform.run(RebookRepayment(story.sandbox_id, story.key(), repayment, *BY))
    with pytest.raises(Refused, match="repayment_unknown"):
        story.platform.run(RebookRepayment(story.sandbox_id, story.key(), "rpy_nobody", *BY))


def test_a_payoff_that_was_booked_as_an_instalment_clears_the_loan_from_its_own_day_on(
    story: Story, mistaken: Callable[..., None]
) -> None:
    loan_id = story.borrow(100_000)
    story.wait(days=10)
    mistaken(scope=QuoteType.INSTALMENT)
    repayment = story.settle(loan_id)
    mistaken()
    assert story.page(loan_id)["status"] == "USING"
    assert [finding_class for finding_class, _, _ in story.discrepancies()] == ["misapplied"]
    story.wait(days=60)

    booked = story.platform.run(RebookRepayment(story.sandbox_id, story.key(), repayment, *BY)).body

    assert (booked["booked_type"], booked["overpaid_minor"]) == ("CLEAR", 0)
    assert booked["applied_minor"] == booked["amount_minor"]
    assert (story.page(loan_id)["status"], story.page(loan_id)["outstanding_minor"]) == ("CLEAR", 0)
    assert story.discrepancies() == []


def test_a_rebooked_repayment_can_be_reversed_and_can_be_returned(story: Story, mistaken: Callable[..., None]) -> None:
    mistaken(scope=QuoteType.INSTALMENT)
    loans = [story.borrow(100_000), story.borrow(200_000)]
    reversed_, failing = [story.settle(loan_id) for loan_id in loans]
    mistaken()
    for repayment in (reversed_, failing):
        story.platform.run(RebookRepayment(story.sandbox_id, story.key(), repayment, *BY))
    assert [story.page(loan_id)["status"] for loan_id in loans] == ["CLEAR", "CLEAR"]

    story.reverse(reversed_)
    story.platform.run(ReturnPayment(story.sandbox_id, story.key(), "wallet", out_trade_no(failing)))
    story.wait(60)

    assert [story.page(loan_id)["status"] for loan_id in loans] == ["USING", "USING"]
    assert story.discrepancies() == []


def test_a_booking_on_the_next_day_costs_a_penalty_that_the_new_one_undoes(
    story: Story, mistaken: Callable[..., None]
) -> None:
    loan_id = story.borrow(100_000)
    story.wait(days=31)
    story.wait(13 * 3_600)  # The evening of the due date.
    paid_ms = story.now_ms + 2_000
    mistaken(booked_ms=paid_ms + 2 * 3_600_000)
    quote = story.quote(loan_id, "OVD_AND_CURRENT")
    repayment = story.repay(loan_id, quote["total_minor"])
    mistaken()
    story.wait(days=2)
    assert story.page(loan_id)["status"] == "OVD"

    story.platform.run(RebookRepayment(story.sandbox_id, story.key(), repayment, *BY))

    assert story.page(loan_id)["status"] == "USING"
    assert story.entity(Repayment, repayment).booked_ms == paid_ms
    assert story.discrepancies() == []
