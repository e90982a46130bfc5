"""Push payments: the payer reference names the loan; without a usable one an operator matches the receipt."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from mocklend.channels.callback_secrets import callback_secret
from mocklend.channels.inbox import ReceiveCallback
from mocklend.channels.messages import callback_body
from mocklend.channels.order_query import QueryPayment
from mocklend.channels.payments import PayAtChannel, ReceiptDoc
from mocklend.channels.settlement import TradeDoc
from mocklend.client import Doc
from mocklend.domain.problems import Refused
from mocklend.ledger.journal import balances
from mocklend.sandboxes.ids import receipt_of
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.servicing.matching import MatchReceipt
from mocklend.signing import signed_headers
from mocklend.storage.entities import Loan, Receipt, Trade
from support.story import Story

DELAY_S = 600  # bill-pay


def push(story: Story, typed: str, amount: int = 100_045, scope: str = "CLEAR", channel: str = "bill_pay") -> TradeDoc:
    """Ada pays through bill-pay; the channel's record."""
    command = PayAtChannel(story.sandbox_id, story.key(), channel, amount, "CNY", "Ada", typed, scope)
    return story.run(command, TradeDoc)


def match(story: Story, receipt_id: str, loan_id: str) -> ReceiptDoc:
    """An operator matches the receipt to the loan."""
    return story.run(MatchReceipt(story.sandbox_id, story.key(), receipt_id, loan_id, "bank slip", "grace"), ReceiptDoc)


def account(story: Story, name: str) -> int:
    """An account's balance over the sandbox."""
    with story.platform.read() as connection:
        return balances(story.snapshot(connection)).get(name, 0)


@pytest.mark.parametrize("typed", ["id", "reference"])
def test_a_payment_that_names_its_loan_settles_it(story: Story, typed: str) -> None:
    loan_id = story.borrow(100_000)
    name = loan_id if typed == "id" else story.entity(Loan, loan_id).reference

    push(story, name)
    story.wait(DELAY_S)

    assert story.page(loan_id)["status"] == "CLEAR"
    assert story.discrepancies() == []


def test_a_payment_without_a_reference_is_unapplied_and_no_discrepancy(story: Story) -> None:
    loan_id = story.borrow(100_000)

    trade = push(story, "for my loan, thanks")
    story.wait(DELAY_S)

    assert story.entity(Receipt, receipt_of(trade["out_trade_no"])).state == "UNAPPLIED"
    assert story.page(loan_id)["status"] == "USING"
    assert account(story, "2102") == -100_045
    assert story.discrepancies() == []


def test_a_matched_receipt_takes_effect_on_the_day_of_the_payment(story: Story) -> None:
    loan_id = story.borrow(100_000)
    trade = push(story, "thanks")
    story.wait(DELAY_S)
    story.wait(days=40)
    assert story.page(loan_id)["status"] == "OVD"

    receipt = match(story, receipt_of(trade["out_trade_no"]), loan_id)

    assert receipt["state"] == "APPLIED"
    assert story.page(loan_id)["status"] == "CLEAR"
    assert account(story, "2102") == 0
    assert account(story, "1103") == 0  # No penalty is left: on the day of the slip nothing was overdue.
    assert story.discrepancies() == []


def test_a_receipt_is_matched_once(story: Story) -> None:
    loan_id = story.borrow(100_000)
    trade = push(story, "thanks")
    story.wait(DELAY_S)
    match(story, receipt_of(trade["out_trade_no"]), loan_id)

    with pytest.raises(Refused, match="receipt_not_unapplied"):
        match(story, receipt_of(trade["out_trade_no"]), loan_id)


LIES: list[tuple[dict[str, Any], str]] = [
    ({"id": "PYNOBODY"}, "trade_unknown"),
    ({"amount_minor": 1}, "callback_amount_mismatch"),
    ({"currency": "USD"}, "callback_amount_mismatch"),
    ({"channel_trade_no": "CHANOTHER"}, "callback_malformed"),
    ({"paid_ms": 1_767_578_400_000}, "callback_malformed"),
    ({"payer_name": "Bob"}, "callback_malformed"),
    ({"payer_reference": "loan_of_another"}, "callback_malformed"),
    ({"scope": "OVD_AND_CURRENT"}, "callback_malformed"),
]


def said_of(story: Story, trade: Trade, channel: str = "bill_pay", **otherwise: object) -> ReceiveCallback:
    """A signed message that the trade was paid, with some fields otherwise."""
    body = callback_body(structs.replace(trade, **otherwise), rfc3339(story.now_ms))
    headers = signed_headers(callback_secret(story.sandbox.api_key, channel), "msg_1", story.now_ms, body)
    return ReceiveCallback(story.sandbox_id, channel, headers, body.encode())


@pytest.mark.parametrize(("lie", "code"), LIES)
def test_a_callback_that_differs_from_the_channels_record_is_refused(story: Story, lie: Doc, code: str) -> None:
    story.borrow(100_000)
    trade = story.entity(Trade, paid_silently(story))
    before = story.everything()

    with pytest.raises(Refused, match=code):
        story.platform.run(said_of(story, trade, **lie))

    assert story.everything() == before
    story.platform.run(said_of(story, trade))
    assert account(story, "2102") == -100_045


def test_a_callback_of_another_channel_is_refused(story: Story) -> None:
    trade = story.entity(Trade, paid_silently(story))
    before = story.everything()

    with pytest.raises(Refused, match="trade_unknown"):
        story.platform.run(said_of(story, trade, "bank_transfer"))

    assert story.everything() == before


def paid_silently(story: Story) -> str:
    """The order number of a push payment without a reference, whose callback has not been attempted yet."""
    order: str = push(story, "thanks")["out_trade_no"]
    story.settle_silently(receipt_of(order))
    return order


def test_an_operator_can_query_a_payment_whose_callback_was_lost(story: Story) -> None:
    loan_id = story.borrow(100_000)
    trade = push(story, loan_id)
    ask = QueryPayment(story.sandbox_id, story.key(), "bill_pay", trade["out_trade_no"], "grace")
    with pytest.raises(Refused, match="trade_not_paid"):
        story.platform.run(ask)
    story.settle_silently(receipt_of(trade["out_trade_no"]))

    receipt = story.platform.run(replace(ask, idem=story.key())).body

    assert (receipt["state"], receipt["loan_id"]) == ("APPLIED", loan_id)
    assert story.page(loan_id)["status"] == "CLEAR"
    assert story.discrepancies() == []
