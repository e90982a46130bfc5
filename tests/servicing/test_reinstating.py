"""Reversing a reversal: the repayment counts again, as if it had never been reversed."""

from __future__ import annotations

import pytest

from mocklend.channels.payment_returns import ReturnPayment
from mocklend.domain.problems import Refused
from mocklend.lending.repay import RepaymentDoc
from mocklend.sandboxes.ids import out_trade_no
from mocklend.servicing import ReinstateRepayment
from support.story import Story


def reinstate(story: Story, repayment_id: str) -> RepaymentDoc:
    command = ReinstateRepayment(story.sandbox_id, story.key(), repayment_id, "it was good", "grace")
    return story.run(command, RepaymentDoc)


def test_a_reinstated_repayment_leaves_no_trace_of_its_absence(story: Story) -> None:
    loan_id = story.borrow(100_000)
    repayment = story.settle(loan_id)
    story.reverse(repayment)
    story.wait(days=70)
    assert story.page(loan_id)["status"] == "OVD"

    back = reinstate(story, repayment)

    assert (back["status"], back["reversal_id"], back["applied_minor"]) == ("S", None, back["amount_minor"])
    assert (story.page(loan_id)["status"], story.page(loan_id)["overpaid_minor"]) == ("CLEAR", 0)
    assert (story.discrepancies(), story.broken()) == ([], set())


def test_a_repayment_can_be_reversed_and_reinstated_as_often_as_needed(story: Story) -> None:
    loan_id = story.borrow(100_000)
    repayment = story.settle(loan_id)

    for _ in range(3):
        story.reverse(repayment)
        assert (story.page(loan_id)["status"], story.discrepancies()) == ("USING", [])
        reinstate(story, repayment)
        assert (story.page(loan_id)["status"], story.discrepancies()) == ("CLEAR", [])


def test_only_a_reversed_repayment_can_be_reinstated(story: Story) -> None:
    repayment = story.settle(story.borrow(100_000))

    for id, code in ((repayment, "repayment_not_reversed"), ("rpy_nobody", "repayment_unknown")):
        with pytest.raises(Refused, match=code):
            reinstate(story, id)


def test_a_returned_repayment_is_not_reinstated(story: Story) -> None:
    loan_id = story.borrow(100_000)
    repayment = story.settle(loan_id)
    story.reverse(repayment)
    story.platform.run(ReturnPayment(story.sandbox_id, story.key(), "wallet", out_trade_no(repayment)))
    story.wait(60)

    back = reinstate(story, repayment)

    assert (back["status"], back["applied_minor"]) == ("REVERSED", 0)
    assert story.page(loan_id)["status"] == "USING"
    assert story.discrepancies() == []
    with pytest.raises(Refused, match="repayment_not_reversed"):
        reinstate(story, repayment)
