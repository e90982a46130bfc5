"""The platform's inbox for callbacks of channels. Callbacks are verified, and idempotent by trade number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, TypedDict

from msgspec.structs import replace

from mocklend.channels.callback_secrets import secret_at
from mocklend.channels.closed_orders import restore
from mocklend.channels.messages import (
    Closed,
    Message,
    OrderData,
    PaymentReturn,
    PaymentReturnData,
    Push,
    PushData,
    read_callback,
)
from mocklend.channels.payment_returns import clawback
from mocklend.channels.payments import take_payment
from mocklend.channels.second_receipts import number_by_hand, second_receipt_of
from mocklend.domain.channel import channel_of
from mocklend.domain.facts import RECEIPT, Fact, booking, business_date, midnight_ms
from mocklend.domain.nouns import says
from mocklend.domain.problems import Refused
from mocklend.domain.statuses import RepaymentStatus, TradeState
from mocklend.lending.books import LoanAfterFact, post_fact
from mocklend.sandboxes.ids import make_id, repayment_of
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.seams.about import about_order
from mocklend.seams.order_paid import OrderPaid
from mocklend.seams.receipt_booked import ReceiptBooked
from mocklend.seams.repayment_filed import RepaymentFiled
from mocklend.seams.signals import applied, recorded
from mocklend.signing import verify
from mocklend.storage.entities import Loan, Repayment, Trade
from mocklend.storage.work import Answer, Idempotency, Key, Work
from mocklend.webhooks.outbox import emit, repayment_data


class Received(TypedDict):
    """The callback was taken."""

    received: Annotated[bool, says("Always true.")]


@dataclass(frozen=True, slots=True)
class ReceiveCallback:
    """A callback over HTTP, from a channel or from an impostor."""

    sandbox_id: str
    channel: str
    headers: Mapping[str, str] = field(hash=False)
    body: bytes
    idem: Idempotency | None = None

    def needs(self) -> Iterable[Key]:
        """Nothing: the subject is known only once the body is verified."""
        return ()

    def decide(self, work: Work) -> Answer:
        """200 once the books have it, also for a repeated callback. Raises Refused as `receive`."""
        receive(work, self.channel, self.headers, self.body)
        return Answer(200, Received(received=True))


def receive(work: Work, channel_id: str, headers: Mapping[str, str], body: bytes) -> None:
    """Verify a callback and apply it. Every refusal comes before the first effect.

    Raises Refused `callback_signature_invalid`, `callback_malformed`, `callback_version_stale`, `trade_unknown`,
    `callback_amount_mismatch`, `callback_out_of_order`."""
    channel = channel_of(channel_id)
    verify(secret_at(work.sandbox, channel.id), headers, body, work.now_ms)
    take(work, channel.id, read_callback(body))


def take(work: Work, channel_id: str, message: Message) -> None:
    """Apply a verified callback of a channel. Every refusal comes before the first effect.

    Raises Refused `trade_unknown`, `callback_malformed`, `callback_amount_mismatch`, `callback_out_of_order`."""
    if isinstance(message, PaymentReturn):
        post_payment_return(work, _confirmed_return(work, channel_id, message.data))
        return
    if isinstance(message, Push):
        take_payment(work, _confirmed_push(work, channel_id, message.data))
        return
    claimed = message.data
    order = work.find(Repayment, repayment_of(claimed.out_trade_no))
    if order is None or order.channel != channel_id:
        raise Refused("trade_unknown", "this channel has no order of this number", **_ids(claimed))
    _require_amount(claimed, order.amount_minor, order.currency)
    if isinstance(message, Closed):
        raise _out_of_order_refusal(work, claimed, order)
    if order.status != RepaymentStatus.PROCESSING:
        return  # A repeated delivery: channels deliver at least once.
    if not order.created_ms <= claimed.paid_ms <= work.now_ms:
        raise Refused(
            "callback_malformed",
            "a payment comes after its order, and not in the future",
            expected=f"{rfc3339(order.created_ms)} to {rfc3339(work.now_ms)}",
            received=claimed.paid_at,
            **_ids(claimed),
        )
    apply_receipt(work, order, claimed.paid_ms, claimed.channel_trade_no)


def post_payment_return(work: Work, trade: Trade) -> None:
    """Post a payment return to the books. If they lack the receipt, it is posted first: both happened."""
    if trade.repayment_id.startswith("rct_"):
        take_payment(work, trade)
    else:
        order = work.get(Repayment, trade.repayment_id)
        if order.status == RepaymentStatus.PROCESSING:
            assert trade.paid_ms is not None, "only a paid trade can be returned"
            assert trade.channel_trade_no is not None, "what was paid has a number"
            apply_receipt(work, order, trade.paid_ms, trade.channel_trade_no)
        elif order.status == RepaymentStatus.FAILED:
            restore(work, order)  # It was never closed, so the wrong reversal must not stay on the books.
    clawback(work, trade)


def _confirmed_return(work: Work, channel_id: str, claimed: PaymentReturnData) -> Trade:
    """The trade, if the channel confirms the payment return and its time; else raises Refused."""
    trade = work.find(Trade, claimed.out_trade_no)
    if trade is None or trade.channel != channel_id or trade.state != TradeState.RETURNED:
        raise Refused("trade_unknown", "the channel returned no such payment", **_ids(claimed))
    _require_amount(claimed, trade.amount_minor, trade.currency)
    confirmed = (trade.channel_trade_no, trade.paid_ms, trade.returned_ms)
    if confirmed != (claimed.channel_trade_no, claimed.paid_ms, claimed.returned_ms):
        raise Refused("callback_malformed", "the channel has other data of this payment", **_ids(claimed))
    return trade


def _require_amount(claimed: OrderData, amount_minor: int, currency: str) -> None:
    if (claimed.amount_minor, claimed.currency) != (amount_minor, currency):
        raise Refused(
            "callback_amount_mismatch",
            "the amount is not that of the order",
            expected={"amount_minor": amount_minor, "currency": currency},
            received={"amount_minor": claimed.amount_minor, "currency": claimed.currency},
            **_ids(claimed),
        )


def _out_of_order_refusal(work: Work, claimed: OrderData, order: Repayment) -> Refused:
    """The refusal of a CLOSED event for a paid order: a channel does not close a paid order, so the event is older."""
    trade = work.get(Trade, claimed.out_trade_no)
    return Refused(
        "callback_out_of_order",
        f"the order is {order.status}, and {trade.state} at its channel",
        expected=trade.state,
        received=TradeState.CLOSED,
        **_ids(claimed),
    )


def _confirmed_push(work: Work, channel_id: str, claimed: PushData) -> Trade:
    """The trade, if the channel confirms the push payment, which no order describes; else raises Refused."""
    trade = work.find(Trade, claimed.out_trade_no)
    if trade is None or trade.channel != channel_id or trade.state not in (TradeState.SUCCESS, TradeState.RETURNED):
        raise Refused("trade_unknown", "the channel has no such payment", **_ids(claimed))
    _require_amount(claimed, trade.amount_minor, trade.currency)
    names = ("channel_trade_no", "paid_ms", "payer_name", "payer_reference", "scope")
    if any(getattr(claimed, name) != getattr(trade, name) for name in names):
        raise Refused("callback_malformed", "the channel has other data of this payment", **_ids(claimed))
    return trade


def _ids(claimed: OrderData) -> dict[str, str]:
    return {"out_trade_no": claimed.out_trade_no}


def apply_receipt(work: Work, order: Repayment, paid_ms: int, channel_trade_no: str) -> Repayment:
    """Post a channel's money to the books, effective at the channel's time, and emit the events."""
    loan = work.get(Loan, order.loan_id)
    work.signal(applied(order.id), recorded(loan.id))
    order = replace(
        order,
        status=RepaymentStatus.SUCCEEDED,
        channel_trade_no=channel_trade_no,
        paid_ms=paid_ms,
        applied_ms=work.now_ms,
    )
    _, order = book(work, loan, order, cause="receipt")
    emit(work, "repayment.succeeded", loan.id, order.id, repayment_data(order))
    return _work_list_done(work, order) if work.armed else order


def _work_list_done(work: Work, order: Repayment) -> Repayment:
    """Two seams at which a fault can inject a clerk's mistake: the order leaves the work list, its receipt is filed.

    Nothing else happens at them, so the events are built only if a rule may act on them.
    """
    assert order.paid_ms is not None, "a receipt on the books has a time"
    loan = work.get(Loan, order.loan_id)
    work.announce(
        OrderPaid(
            **about_order(work.now_ms, loan, order),
            repayment_id=order.id,
            receipt_id=second_receipt_of(work.sandbox.seed, order.id, number_by_hand(order.id)),
            late_s=max(0, work.now_ms - order.paid_ms) // 1000,
        )
    )
    loan, order = work.get(Loan, loan.id), work.get(Repayment, order.id)
    work.announce(
        RepaymentFiled(
            **about_order(work.now_ms, loan, order),
            repayment_id=order.id,
            edit_id=make_id("edt", work.sandbox.seed, loan.id, "desk", order.id),
            books_status=loan.status,
        )
    )
    return work.get(Repayment, order.id)


def book(work: Work, loan: Loan, order: Repayment, *, cause: str) -> tuple[LoanAfterFact, Repayment]:
    """Book a repayment at its `paid_ms`, for the first time or in place of an earlier booking."""
    assert order.paid_ms is not None, "a repayment is paid before it is booked"
    zone, n = work.sandbox.zone, order.bookings + 1
    scope, booked_ms = order.type, order.paid_ms
    if work.armed:
        event = ReceiptBooked(
            **about_order(work.now_ms, loan, order, n),
            repayment_id=order.id,
            day_ends_ms=midnight_ms(business_date(order.paid_ms, zone) + timedelta(days=1), zone),
            scope=scope,
            booked_ms=booked_ms,
        )
        outcome = work.at(event)
        scope, booked_ms = outcome.scope, outcome.booked_ms
    fact = Fact(
        id=booking(order.id, n),
        kind=RECEIPT,
        at_ms=booked_ms,
        on=business_date(booked_ms, zone),
        amount_minor=order.amount_minor,
        channel=order.channel,
        scope=scope,
        reverses=booking(order.id, n - 1) if n > 1 else None,
        landed=n > 1,  # The first booking has posted the money to the channel's account.
    )
    taken_back = "repayment" if n > 1 else None
    after = post_fact(work, loan, fact, cause=cause, channel=order.channel, reverses=taken_back)
    settled, over = after.state.applied[order.id]
    order = replace(
        order,
        applied_minor=settled,
        overpaid_minor=over,
        booked_type=scope,
        booked_ms=booked_ms,
        bookings=n,
    )
    work.put(order)
    return after, order
