"""Payment returns: the channel takes money back and sends a callback, and the books post it in any prior state."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType

import pytest
from msgspec.structs import replace

from mocklend.channels.callback_secrets import callback_secret
from mocklend.channels.inbox import ReceiveCallback
from mocklend.channels.messages import payment_return_body
from mocklend.channels.order_query import QueryPayment
from mocklend.channels.payment_returns import ReturnPayment
from mocklend.channels.payments import PayAtChannel
from mocklend.channels.settlement import TradeDoc
from mocklend.channels.statements.day import Heading
from mocklend.channels.statements.record import statement_day
from mocklend.domain.channel import channel_of
from mocklend.domain.facts import business_date
from mocklend.domain.problems import Refused
from mocklend.ledger.journal import balances
from mocklend.sandboxes.ids import callback_of, order_no, receipt_of, return_of
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.servicing import IssueCertificate
from mocklend.signing import signed_headers
from mocklend.storage.entities import Callback, Certificate, Repayment, Trade
from support.story import Story


def return_payment(story: Story, receipt_id: str, channel: str = "wallet") -> TradeDoc:
    """The bank returns the payment; the platform has no callback yet."""
    command = ReturnPayment(story.sandbox_id, story.key(), channel, order_no(receipt_id))
    return story.run(command, TradeDoc)


def account(story: Story, name: str) -> int:
    """An account's balance over the sandbox."""
    with story.platform.read() as connection:
        return balances(story.snapshot(connection)).get(name, 0)


def test_a_loan_that_was_settled_reopens_when_the_bank_takes_the_money_back(story: Story) -> None:
    loan_id = story.borrow(100_000)
    repayment_id = story.settle(loan_id)
    certificate = story.platform.run(IssueCertificate(story.sandbox_id, loan_id)).body
    story.wait(days=3)

    trade = return_payment(story, repayment_id)
    story.wait()

    assert trade["state"] == "RETURNED"
    assert story.page(loan_id)["status"] == "USING"
    assert story.entity(Repayment, repayment_id).status == "REVERSED"
    assert account(story, "2102") == account(story, "1002:wallet") == 0
    assert story.entity(Certificate, certificate["id"]) is not None
    assert story.discrepancies() == []


def test_until_its_callback_is_tried_a_payment_return_is_in_transit(story: Story) -> None:
    loan_id = story.borrow(100_000)
    repayment_id = story.settle(loan_id)

    return_payment(story, repayment_id)

    audit = story.platform.audit(story.sandbox_id)
    assert [item.entity for item in audit.in_transit if item.loan_id == loan_id] == [return_of(repayment_id)]
    assert audit.discrepancies == []
    assert story.page(loan_id)["status"] == "CLEAR"


def test_a_returned_payment_that_was_never_posted_is_posted_with_its_return(story: Story) -> None:
    loan_id = story.borrow(100_000)
    repayment_id = story.order(loan_id, 40_000)
    story.settle_silently(repayment_id)

    return_payment(story, repayment_id)
    story.platform.run(story.command(story.now_ms, "callback", callback_of(return_of(repayment_id))))

    assert story.entity(Repayment, repayment_id).status == "REVERSED"
    assert story.discrepancies() == []
    story.wait()
    assert story.entity(Callback, callback_of(repayment_id)).state == "ACKED"
    assert account(story, "1002:wallet") == 0


def test_an_order_query_posts_a_payment_return_whose_callback_was_lost(story: Story) -> None:
    loan_id = story.borrow(100_000)
    repayment_id = story.settle(loan_id)
    return_payment(story, repayment_id)

    answer = story.query_channel(repayment_id)

    assert answer["status"] == "REVERSED"
    assert story.page(loan_id)["status"] == "USING"


def test_returned_unapplied_cash_leaves_nothing_unapplied(story: Story) -> None:
    push = PayAtChannel(story.sandbox_id, story.key(), "bill_pay", 4_321, "CNY", "Ada", "thanks", "CLEAR")
    order = story.platform.run(push).body["out_trade_no"]
    story.wait(600)
    assert account(story, "2102") == -4_321

    return_payment(story, receipt_of(order), "bill_pay")
    assert story.discrepancies() == []
    receipt = story.platform.run(QueryPayment(story.sandbox_id, story.key(), "bill_pay", order, "grace")).body
    story.wait()

    assert receipt["state"] == "RETURNED"
    assert account(story, "2102") == account(story, "1002:bill_pay") == 0
    assert story.discrepancies() == []


def test_a_repayment_that_an_operator_has_reversed_can_be_returned(story: Story) -> None:
    loan_id = story.borrow(100_000)
    repayment_id = story.settle(loan_id)
    story.reverse(repayment_id)
    assert account(story, "2102") != 0

    return_payment(story, repayment_id)
    story.wait()

    assert account(story, "2102") == 0
    assert story.discrepancies() == []


def test_only_a_paid_trade_can_be_returned_and_only_once(story: Story) -> None:
    repayment_id = story.order(story.borrow(100_000), 40_000)

    with pytest.raises(Refused, match="trade_not_paid"):
        return_payment(story, repayment_id)
    with pytest.raises(Refused, match="trade_unknown"):
        return_payment(story, repayment_id, "bill_pay")
    story.wait(2)
    return_payment(story, repayment_id)
    with pytest.raises(Refused, match="trade_not_paid"):
        return_payment(story, repayment_id)


def test_a_callback_of_a_return_that_the_channel_does_not_have_is_refused(story: Story) -> None:
    loan_id = story.borrow(100_000)
    repayment_id = story.settle(loan_id)
    trade = replace(story.entity(Trade, order_no(repayment_id)), returned_ms=story.now_ms)
    body = payment_return_body(trade, rfc3339(story.now_ms))
    headers = signed_headers(callback_secret(story.sandbox.api_key, "wallet"), "msg_1", story.now_ms, body)

    with pytest.raises(Refused, match="trade_unknown"):
        story.platform.run(ReceiveCallback(story.sandbox_id, "wallet", headers, body.encode()))

    assert story.page(loan_id)["status"] == "CLEAR"


def said_of(
    story: Story, trade: Trade, by: str | None = None, *, otherwise: Mapping[str, object] = MappingProxyType({})
) -> ReceiveCallback:
    """A signed message, `by` another channel than the trade's or not, that its money was taken back."""
    whole = json.loads(payment_return_body(trade, rfc3339(story.now_ms)))
    whole["data"] |= otherwise
    body = json.dumps(whole)
    channel = by or trade.channel
    headers = signed_headers(callback_secret(story.sandbox.api_key, channel), "msg_1", story.now_ms, body)
    return ReceiveCallback(story.sandbox_id, channel, headers, body.encode())


PUSHED = pytest.mark.parametrize("pushed", [False, True], ids=["a repayment", "a push payment"])
OTHERWISE = [
    ("out_trade_no", "MLNOBODYS", "trade_unknown"),
    ("channel_trade_no", "CHANOTHER", "callback_malformed"),
    ("paid_at", "2026-01-05T02:00:03.000Z", "callback_malformed"),
    ("returned_at", "2026-01-05T02:00:03.000Z", "callback_malformed"),
    ("returned_at", None, "callback_malformed"),
    ("returned_at", 7, "callback_malformed"),
    ("amount_minor", 40_001, "callback_amount_mismatch"),
    ("currency", "USD", "callback_amount_mismatch"),
    ("state", "SUCCESS", "callback_malformed"),
    ("version", "0.9", "callback_version_stale"),
]


@pytest.mark.parametrize(("field", "value", "code"), OTHERWISE)
@PUSHED
def test_a_callback_of_a_return_that_differs_from_the_channels_record_changes_nothing(
    story: Story, pushed: bool, field: str, value: object, code: str
) -> None:
    trade = taken_back(story, pushed)
    before = story.everything()

    with pytest.raises(Refused, match=code):
        story.platform.run(said_of(story, trade, otherwise={field: value}))

    assert story.everything() == before
    story.platform.run(said_of(story, trade))
    assert account(story, "1002:bill_pay") == 0


@PUSHED
def test_a_callback_of_a_return_from_another_channel_changes_nothing(story: Story, pushed: bool) -> None:
    trade = taken_back(story, pushed)
    before = story.everything()

    with pytest.raises(Refused, match="trade_unknown"):
        story.platform.run(said_of(story, trade, "bank_transfer"))

    assert story.everything() == before


@PUSHED
def test_a_repeated_callback_of_a_return_changes_nothing(story: Story, pushed: bool) -> None:
    trade = taken_back(story, pushed)
    story.platform.run(said_of(story, trade))
    before = story.everything()

    assert story.platform.run(said_of(story, trade)).status == 200

    assert story.everything() == before
    assert story.discrepancies() == []


def taken_back(story: Story, pushed: bool) -> Trade:
    """A returned trade, as the channel records it; the return is not posted yet."""
    loan_id = story.borrow(100_000)
    if pushed:
        push = PayAtChannel(story.sandbox_id, story.key(), "bill_pay", 40_000, "CNY", "Ada", loan_id, "CLEAR")
        id = receipt_of(story.platform.run(push).body["out_trade_no"])
        story.wait(600)
    else:
        id = story.repay(loan_id, 40_000, "bill_pay")
    story.sleep(days=1)
    return_payment(story, id, "bill_pay")
    return story.entity(Trade, order_no(id))


def test_the_statement_has_the_clawback_on_its_own_day(story: Story) -> None:
    loan_id = story.borrow(100_000)
    repayment_id = story.repay(loan_id, 40_000, "bill_pay")
    story.wait(days=2)
    return_payment(story, repayment_id, "bill_pay")

    zone = story.sandbox.zone
    heading = Heading(channel_of("bill_pay"), business_date(story.now_ms, zone), "CNY", zone)
    with story.platform.read() as connection:
        day = statement_day(story.snapshot(connection), heading)

    assert [(movement.order_no, movement.amount_minor) for movement in day.movements] == [
        (order_no(repayment_id), -40_000)
    ]
    assert (day.opening_minor, day.closing_minor) == (40_000, 0)
