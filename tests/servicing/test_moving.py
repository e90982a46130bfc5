"""Moving a receipt: off the loan that it was matched to by mistake, onto the one that it was meant for."""

from __future__ import annotations

import pytest

from mocklend.channels.payment_returns import ReturnPayment
from mocklend.channels.payments import PayAtChannel, ReceiptDoc
from mocklend.domain.channel import channels
from mocklend.domain.problems import Refused
from mocklend.sandboxes.ids import receipt_of
from mocklend.servicing.matching import MatchReceipt
from mocklend.servicing.moving import MoveReceipt
from mocklend.storage.entities import Receipt
from support.story import Story

DELAY_S = channels()["bill_pay"].settle_delay_s


def pushed(story: Story, typed: str, amount_minor: int = 100_045) -> str:
    """Ada settles in her bank's app, and types something: the receipt."""
    command = PayAtChannel(story.sandbox_id, story.key(), "bill_pay", amount_minor, "CNY", "Ada", typed, "CLEAR")
    trade = story.platform.run(command).body
    story.wait(DELAY_S)
    return receipt_of(trade["out_trade_no"])


def match(story: Story, receipt_id: str, loan_id: str) -> None:
    story.platform.run(MatchReceipt(story.sandbox_id, story.key(), receipt_id, loan_id, "by her slip", "grace"))


def move(story: Story, receipt_id: str, loan_id: str) -> ReceiptDoc:
    command = MoveReceipt(story.sandbox_id, story.key(), receipt_id, loan_id, "the slip says so", "grace")
    return story.run(command, ReceiptDoc)


def test_a_moved_receipt_counts_on_the_other_loan_from_the_channels_day_on(story: Story) -> None:
    wrong, right = story.borrow(100_000), story.borrow(100_000)
    receipt_id = pushed(story, "my loan")
    match(story, receipt_id, wrong)
    story.wait(days=40)
    assert (story.page(wrong)["status"], story.page(right)["status"]) == ("CLEAR", "OVD")

    moved = move(story, receipt_id, right)

    assert (moved["state"], moved["loan_id"]) == ("APPLIED", right)
    assert (story.page(wrong)["status"], story.page(right)["status"]) == ("OVD", "CLEAR")
    assert story.page(right)["overpaid_minor"] == 0
    assert story.discrepancies() == []


def test_a_receipt_may_be_moved_repeatedly(story: Story) -> None:
    first, two, three = story.borrow(100_000), story.borrow(100_000), story.borrow(100_000)
    receipt_id = pushed(story, "my loan")
    match(story, receipt_id, first)

    for loan_id in (two, first, three, first, two):
        move(story, receipt_id, loan_id)

        assert [story.page(id)["status"] == "CLEAR" for id in (first, two, three)] == [
            loan_id == id for id in (first, two, three)
        ]
        assert story.discrepancies() == []


def test_a_receipt_that_is_returned_is_returned_on_the_loan_that_it_was_moved_to(story: Story) -> None:
    first, two = story.borrow(100_000), story.borrow(100_000)
    receipt_id = pushed(story, "my loan")
    match(story, receipt_id, first)
    move(story, receipt_id, two)
    trade = story.entity(Receipt, receipt_id).out_trade_no

    story.platform.run(ReturnPayment(story.sandbox_id, story.key(), "bill_pay", trade))
    story.wait(60)

    assert [story.page(id)["status"] for id in (first, two)] == ["USING", "USING"]
    assert story.entity(Receipt, receipt_id).state == "RETURNED"
    assert story.discrepancies() == []
    with pytest.raises(Refused, match="receipt_not_movable"):
        move(story, receipt_id, first)


def test_a_returned_receipt_cannot_be_moved_while_its_callback_is_on_its_way(story: Story) -> None:
    first, two = story.borrow(100_000), story.borrow(100_000)
    receipt_id = pushed(story, "my loan")
    match(story, receipt_id, first)
    trade = story.entity(Receipt, receipt_id).out_trade_no
    story.platform.run(ReturnPayment(story.sandbox_id, story.key(), "bill_pay", trade))

    with pytest.raises(Refused, match="receipt_not_movable"):
        move(story, receipt_id, two)


def test_only_a_matched_receipt_is_moved_and_only_to_another_loan(story: Story) -> None:
    first, two = story.borrow(100_000), story.borrow(100_000)
    named, nobodys = pushed(story, first, 500), pushed(story, "my loan", 500)

    for receipt_id, loan_id, code in (
        (named, two, "receipt_not_movable"),
        (nobodys, two, "receipt_not_movable"),
        (nobodys, "loan_nobody", "loan_unknown"),
        ("rct_nobody", first, "receipt_unknown"),
    ):
        with pytest.raises(Refused, match=code):
            move(story, receipt_id, loan_id)

    match(story, nobodys, first)
    with pytest.raises(Refused, match="receipt_not_movable"):
        move(story, nobodys, first)
