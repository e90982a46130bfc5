"""Repayments: ordering one, and what the platform knows of it. The money goes its way through a channel."""

from __future__ import annotations

from typing import Annotated

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

from mocklend.api.fields import Currency, Doc, Id, MinorAmount, Reference
from mocklend.api.idempotency import idempotency
from mocklend.api.nouns import (
    ChannelId,
    ChannelTradeNo,
    CreatedAt,
    LoanId,
    NextCursor,
    OutTradeNo,
    PayerReference,
    RepaymentType,
)
from mocklend.api.openapi import described
from mocklend.api.pagination import Paged, place
from mocklend.api.request_context import open_snapshot, run, sandbox_id
from mocklend.api.responses import answered, rendered
from mocklend.domain.channel import channel_of
from mocklend.domain.statuses import QuoteType, RepaymentStatus
from mocklend.lending import Repay
from mocklend.lending.repay import repayment_doc
from mocklend.storage.entities import Repayment
from mocklend.storage.work import Idempotency
from mocklend.validation import Body, OneOf
from mocklend.views import reads

repayments = APIBlueprint("repayments", __name__)


class NewRepayment(Body):
    """What is to be repaid, and through which channel."""

    amount_minor: MinorAmount = Field(description="How much is to be repaid, in minor units of the loan's currency.")
    channel: ChannelId
    type: RepaymentType
    quote_id: Id | None = Field(default=None, description="The quote that is paid, for a payoff.")
    payer_reference: Reference | None = Field(
        default=None, description="What the payer types, so that the lender may know whose money it is."
    )


class RepaymentDoc(Doc):
    """A repayment: PROCESSING until the platform learns of the money, then S, F, or REVERSED.

    `booked_type` is what the books took it for (INSTALMENT, which nobody can order, where a payoff was filed under the
    instalment of the plan), and `booked_at` from when it counts there;
    `reversal_id` names the reversal that took it off its loan, `idempotency_key` came with the request that ordered it.
    """

    id: str = Field(description="The repayment's id.")
    loan_id: LoanId
    status: Annotated[str, OneOf(tuple(RepaymentStatus))] = Field(
        description="I and PROCESSING until the platform learns of the money, then S (succeeded), F "
        "(failed), PARTIAL or REVERSED."
    )
    amount_minor: int = Field(description="What was ordered, in minor units of `currency`.")
    applied_minor: int = Field(description="How much of it settled something, in minor units of `currency`.")
    overpaid_minor: int = Field(description="How much of it was too much, in minor units of `currency`.")
    currency: Currency
    channel: ChannelId
    type: RepaymentType
    quote_id: str | None = Field(description="The quote that it pays; null where it pays none.")
    payer_reference: PayerReference | None
    out_trade_no: OutTradeNo
    channel_trade_no: ChannelTradeNo | None
    created_at: CreatedAt
    paid_at: str | None = Field(
        description="When the channel had the money; null until then. RFC 3339, on the sandbox's clock."
    )
    applied_at: str | None = Field(
        description="When it went on the books; null until then. RFC 3339, on the sandbox's clock."
    )
    booked_type: Annotated[str, OneOf(tuple(QuoteType))] | None = Field(
        description="What the books took it for. INSTALMENT, which nobody can order: a payoff that was filed "
        "under one instalment."
    )
    booked_at: str | None = Field(
        description="From when it counts on the books; null until then. RFC 3339, on the sandbox's clock."
    )
    reversal_id: str | None = Field(description="The reversal that took it off its loan; null where none did.")
    idempotency_key: str | None = Field(
        description="The Idempotency-Key of the request that ordered it; null where none did."
    )


class RepaymentList(Doc):
    """A page of a loan's repayments."""

    repayments: list[RepaymentDoc] = Field(description="The repayments of this page.")
    next_cursor: NextCursor | None


@repayments.post("/v1/loans/<id:loan_id>/repayments")
@repayments.input(NewRepayment, arg_name="new")
@repayments.output(RepaymentDoc, status_code=202)
@repayments.doc(
    **described(
        "repay", "loan_unknown", "channel_unknown", "quote_unknown", "loan_not_active", "quote_stale",
        "quote_mismatch", moves_money=True,
    )
)  # fmt: skip
def repay(loan_id: str, new: NewRepayment) -> Response:
    """Order a repayment. It is with the channel then, and not on the books yet."""
    idem = idempotency()
    return answered(run(order(sandbox_id(), idem, loan_id, new)))


def order(sandbox_id: str, idem: Idempotency, loan_id: str, new: NewRepayment) -> Repay:
    """The command that a request asks for. Refused where there is no such channel."""
    channel = channel_of(new.channel)
    return Repay(
        sandbox_id,
        idem,
        loan_id=loan_id,
        amount_minor=new.amount_minor,
        channel=channel.id,
        type=new.type,
        quote_id=new.quote_id,
        payer_reference=new.payer_reference,
    )


@repayments.get("/v1/repayments/<id:repayment_id>")
@repayments.output(RepaymentDoc)
@repayments.doc(**described("getRepayment", "repayment_unknown"))
def get_repayment(repayment_id: str) -> Response:
    """One repayment, as the platform knows it."""
    with open_snapshot() as snapshot:
        return rendered(repayment_doc(reads.entity(snapshot, Repayment, repayment_id)))


@repayments.get("/v1/loans/<id:loan_id>/repayments")
@repayments.input(Paged, location="query", arg_name="query")
@repayments.output(RepaymentList)
@repayments.doc(**described("listRepayments", "loan_unknown"))
def list_repayments(loan_id: str, query: Paged) -> Response:
    """A loan's repayments, by id."""
    after = place(query.cursor)
    with open_snapshot() as snapshot:
        found, cursor = reads.repayments(snapshot, loan_id, after=after, limit=query.limit)
    return rendered({"repayments": [repayment_doc(one) for one in found], "next_cursor": cursor})
