"""Push payments and the receipts that they leave: paying at a channel unasked, and telling whose money it was."""

from __future__ import annotations

from typing import Annotated, TypedDict

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

from mocklend.api.documents import document
from mocklend.api.fields import Currency, Memo, MinorAmount, Name, Reference
from mocklend.api.idempotency import idempotency
from mocklend.api.nouns import (
    ChannelId,
    LoanId,
    Operator,
    OutTradeNo,
    RepaymentType,
)
from mocklend.api.openapi import operation
from mocklend.api.operator import Reversal
from mocklend.api.pagination import Paged, place
from mocklend.api.request_context import open_snapshot, run, sandbox_id
from mocklend.api.responses import answered, rendered
from mocklend.channels.order_query import QueryPayment
from mocklend.channels.payments import PayAtChannel, ReceiptDoc, receipt_doc
from mocklend.channels.settlement import TradeDoc
from mocklend.domain.channel import channel_of
from mocklend.domain.nouns import NextCursor, says
from mocklend.domain.statuses import ReceiptState as States
from mocklend.servicing import ReverseReceipt
from mocklend.servicing.matching import MatchReceipt
from mocklend.servicing.moving import MoveReceipt
from mocklend.validation import Body, OneOf
from mocklend.views import reads

receipts = APIBlueprint("receipts", __name__)

ReceiptState = Annotated[str, OneOf(tuple(States))]


class NewPayment(Body):
    """What somebody pays at a channel, and what they type so that the lender may know whose it is."""

    amount_minor: MinorAmount = Field(description="How much is paid, in minor units of `currency`.")
    currency: Currency = "CNY"
    payer_name: Name = Field(description="The name under which the money is paid.")
    payer_reference: Reference | None = Field(
        default=None, description="What the payer types, so that the lender may know whose money it is."
    )
    type: RepaymentType = "OVD_AND_CURRENT"


class ReceiptList(TypedDict):
    """A page of receipts."""

    receipts: Annotated[list[ReceiptDoc], says("The receipts of this page.")]
    next_cursor: NextCursor | None


class ReceiptQuery(Paged):
    """Which receipts."""

    state: ReceiptState | None = Field(default=None, description="Only receipts in this state.")


class PaymentInquiry(Body):
    """Which payment to ask a channel for, and who asks."""

    channel: ChannelId
    out_trade_no: OutTradeNo
    operator: Operator


class Match(Body):
    """Whose a receipt is, why, and who says so."""

    loan_id: LoanId
    memo: Memo
    operator: Operator


@receipts.post("/channels/<id:channel>/payments")
@receipts.input(NewPayment, arg_name="new")
@receipts.output(document(TradeDoc), status_code=202)
@receipts.doc(**operation("payAtChannel", "channel_unknown", "currency_mismatch", moves_money=True))
def pay_at_channel(channel: str, new: NewPayment) -> Response:
    """Pay at a channel without an order, as through bill-pay or a bank transfer."""
    command = PayAtChannel(
        sandbox_id(),
        idempotency(),
        channel=channel,
        amount_minor=new.amount_minor,
        currency=new.currency,
        payer_name=new.payer_name,
        payer_reference=new.payer_reference or "",
        scope=new.type,
    )
    return answered(run(command))


@receipts.get("/operator/receipts")
@receipts.input(ReceiptQuery, location="query", arg_name="asked")
@receipts.output(document(ReceiptList))
@receipts.doc(**operation("listReceipts"))
def list_receipts(asked: ReceiptQuery) -> Response:
    """The receipts of push payments; `state=UNAPPLIED` is the desk's work list."""
    after = place(asked.cursor)
    with open_snapshot() as snapshot:
        found, cursor = reads.receipts(snapshot, state=asked.state, after=after, limit=asked.limit)
    return rendered(ReceiptList(receipts=[receipt_doc(receipt) for receipt in found], next_cursor=cursor))


@receipts.post("/operator/receipts/query")
@receipts.input(PaymentInquiry, arg_name="inquiry")
@receipts.output(document(ReceiptDoc))
@receipts.doc(**operation("queryPayment", "channel_unknown", "trade_unknown", "trade_not_paid", moves_money=True))
def query_payment(inquiry: PaymentInquiry) -> Response:
    """Ask a channel for a push payment whose callback never came, and take what it says."""
    channel = channel_of(inquiry.channel)
    command = QueryPayment(
        sandbox_id(), idempotency(), channel=channel.id, out_trade_no=inquiry.out_trade_no, operator=inquiry.operator
    )
    return answered(run(command))


@receipts.post("/operator/receipts/<id:receipt_id>/move")
@receipts.input(Match, arg_name="match")
@receipts.output(document(ReceiptDoc), status_code=201)
@receipts.doc(
    **operation(
        "moveReceipt", "receipt_unknown", "loan_unknown", "receipt_not_movable", "currency_mismatch", moves_money=True
    )
)
def move_receipt(receipt_id: str, match: Match) -> Response:
    """Take a receipt off the loan that it was matched to by mistake, and put it on another."""
    return answered(
        run(MoveReceipt(sandbox_id(), idempotency(), receipt_id, match.loan_id, match.memo, match.operator))
    )


@receipts.post("/operator/receipts/<id:receipt_id>/match")
@receipts.input(Match, arg_name="match")
@receipts.output(document(ReceiptDoc), status_code=201)
@receipts.doc(
    **operation(
        "matchReceipt", "receipt_unknown", "loan_unknown", "receipt_not_unapplied", "currency_mismatch",
        moves_money=True,
    )
)  # fmt: skip
def match_receipt(receipt_id: str, match: Match) -> Response:
    """Put an unapplied receipt on the loan that it was meant for, effective on the channel's day."""
    return answered(
        run(MatchReceipt(sandbox_id(), idempotency(), receipt_id, match.loan_id, match.memo, match.operator))
    )


@receipts.post("/operator/receipts/<id:receipt_id>/reverse")
@receipts.input(Reversal, arg_name="reversal")
@receipts.output(document(ReceiptDoc), status_code=201)
@receipts.doc(**operation("reverseReceipt", "receipt_unknown", "receipt_not_second", moves_money=True))
def reverse_receipt(receipt_id: str, reversal: Reversal) -> Response:
    """Take back a receipt that was posted beside an order's own."""
    return answered(run(ReverseReceipt(sandbox_id(), idempotency(), receipt_id, reversal.memo, reversal.operator)))
