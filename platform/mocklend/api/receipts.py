"""Push payments and their receipts: paying at a channel without an order, and matching receipts to loans."""

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
from mocklend.api.pagination import Paged, decode_cursor
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
from mocklend.storage.work import Idempotency
from mocklend.validation import Body, OneOf
from mocklend.views import reads
from mocklend.views.reads import Lists

receipts = APIBlueprint("receipts", __name__)

ReceiptState = Annotated[str, OneOf(tuple(States))]


class NewPayment(Body):
    """A push payment."""

    amount_minor: MinorAmount = Field(description="The amount that is paid, in minor units of `currency`.")
    currency: Currency = "CNY"
    payer_name: Name = Field(description="The payer's name.")
    payer_reference: Reference | None = Field(
        default=None, description="The payment reference that the payer types, by which the payment is matched."
    )
    type: RepaymentType = "OVD_AND_CURRENT"


class ReceiptList(TypedDict):
    """A page of receipts."""

    receipts: Annotated[list[ReceiptDoc], says("The receipts of this page.")]
    next_cursor: NextCursor | None


class ReceiptQuery(Paged):
    """Filters of the list of receipts."""

    state: ReceiptState | None = Field(default=None, description="Only receipts in this state.")


class PaymentInquiry(Body):
    """The payment to query at its channel, and the operator."""

    channel: ChannelId
    out_trade_no: OutTradeNo
    operator: Operator


class Match(Body):
    """The loan that a receipt belongs to, the reason, and the operator."""

    loan_id: LoanId
    memo: Memo
    operator: Operator


@receipts.post("/channels/<id:channel>/payments")
@receipts.input(NewPayment, arg_name="new")
@receipts.output(document(TradeDoc), status_code=202)
@receipts.doc(**operation("payAtChannel", "channel_unknown", "currency_mismatch", moves_money=True))
def pay_at_channel(channel: str, new: NewPayment) -> Response:
    """Pay at a channel without an order, as by bill pay or bank transfer."""
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
@receipts.input(ReceiptQuery, location="query", arg_name="query")
@receipts.output(document(ReceiptList))
@receipts.doc(**operation("listReceipts"))
def list_receipts(query: ReceiptQuery) -> Response:
    """The receipts of push payments. With `state=UNAPPLIED`: those that operators have to match."""
    after = decode_cursor(Lists.RECEIPTS, query.cursor)
    with open_snapshot() as snapshot:
        page, cursor = reads.receipts(snapshot, state=query.state, after=after, limit=query.limit)
    return rendered(ReceiptList(receipts=[receipt_doc(receipt) for receipt in page], next_cursor=cursor))


@receipts.post("/operator/receipts/query")
@receipts.input(PaymentInquiry, arg_name="inquiry")
@receipts.output(document(ReceiptDoc))
@receipts.doc(**operation("queryPayment", "channel_unknown", "trade_unknown", "trade_not_paid", moves_money=True))
def query_payment(inquiry: PaymentInquiry) -> Response:
    """Query a push payment at its channel and post the result. This repairs a lost callback."""
    return answered(run(payment_query_of(sandbox_id(), idempotency(), inquiry)))


def payment_query_of(sandbox_id: str, idem: Idempotency, inquiry: PaymentInquiry) -> QueryPayment:
    """The command for a request. Refused `channel_unknown`."""
    channel = channel_of(inquiry.channel)
    return QueryPayment(
        sandbox_id, idem, channel=channel.id, out_trade_no=inquiry.out_trade_no, operator=inquiry.operator
    )


@receipts.post("/operator/receipts/<id:receipt_id>/move")
@receipts.input(Match, arg_name="match")
@receipts.output(document(ReceiptDoc), status_code=201)
@receipts.doc(
    **operation(
        "moveReceipt", "receipt_unknown", "loan_unknown", "receipt_not_movable", "currency_mismatch", moves_money=True
    )
)
def move_receipt(receipt_id: str, match: Match) -> Response:
    """Move a receipt from the loan that it was matched to by mistake to another loan."""
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
    """Match an unapplied receipt to a loan, effective on the channel's day."""
    return answered(
        run(MatchReceipt(sandbox_id(), idempotency(), receipt_id, match.loan_id, match.memo, match.operator))
    )


@receipts.post("/operator/receipts/<id:receipt_id>/reverse")
@receipts.input(Reversal, arg_name="reversal")
@receipts.output(document(ReceiptDoc), status_code=201)
@receipts.doc(**operation("reverseReceipt", "receipt_unknown", "receipt_not_second", moves_money=True))
def reverse_receipt(receipt_id: str, reversal: Reversal) -> Response:
    """Reverse a second receipt of one order."""
    return answered(run(ReverseReceipt(sandbox_id(), idempotency(), receipt_id, reversal.memo, reversal.operator)))
