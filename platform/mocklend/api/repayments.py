"""Repayments: ordering one and reading its state. The money moves through a channel."""

from __future__ import annotations

from typing import Annotated, TypedDict

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

from mocklend.api.documents import document
from mocklend.api.fields import Id, MinorAmount, Reference
from mocklend.api.idempotency import idempotency
from mocklend.api.nouns import ChannelId, RepaymentType
from mocklend.api.openapi import operation
from mocklend.api.pagination import Paged, decode_cursor
from mocklend.api.request_context import open_snapshot, run, sandbox_id
from mocklend.api.responses import answered, rendered
from mocklend.domain.channel import channel_of
from mocklend.domain.nouns import NextCursor, says
from mocklend.lending import Repay
from mocklend.lending.repay import RepaymentDoc, repayment_doc
from mocklend.storage.entities import Repayment
from mocklend.storage.work import Idempotency
from mocklend.validation import Body
from mocklend.views import reads
from mocklend.views.reads import Lists

repayments = APIBlueprint("repayments", __name__)


class NewRepayment(Body):
    """A repayment to order."""

    amount_minor: MinorAmount = Field(description="The amount to repay, in minor units of the loan's currency.")
    channel: ChannelId
    type: RepaymentType
    quote_id: Id | None = Field(default=None, description="For a payoff: the quote that is paid.")
    payer_reference: Reference | None = Field(
        default=None, description="The payment reference that the payer types, by which the payment is matched."
    )


class RepaymentList(TypedDict):
    """A page of a loan's repayments."""

    repayments: Annotated[list[RepaymentDoc], says("The repayments of this page.")]
    next_cursor: NextCursor | None


@repayments.post("/v1/loans/<id:loan_id>/repayments")
@repayments.input(NewRepayment, arg_name="new")
@repayments.output(document(RepaymentDoc), status_code=202)
@repayments.doc(
    **operation(
        "repay", "loan_unknown", "channel_unknown", "quote_unknown", "loan_not_active", "quote_stale",
        "quote_mismatch", moves_money=True,
    )
)  # fmt: skip
def repay(loan_id: str, new: NewRepayment) -> Response:
    """Order a repayment. The channel receives the order; nothing is posted before the channel reports the payment."""
    idem = idempotency()
    return answered(run(order(sandbox_id(), idem, loan_id, new)))


def order(sandbox_id: str, idem: Idempotency, loan_id: str, new: NewRepayment) -> Repay:
    """The command for a request. Refused `channel_unknown`."""
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
@repayments.output(document(RepaymentDoc))
@repayments.doc(**operation("getRepayment", "repayment_unknown"))
def get_repayment(repayment_id: str) -> Response:
    """One repayment, with its state on the platform."""
    with open_snapshot() as snapshot:
        return rendered(repayment_doc(reads.entity(snapshot, Repayment, repayment_id)))


@repayments.get("/v1/loans/<id:loan_id>/repayments")
@repayments.input(Paged, location="query", arg_name="query")
@repayments.output(document(RepaymentList))
@repayments.doc(**operation("listRepayments", "loan_unknown"))
def list_repayments(loan_id: str, query: Paged) -> Response:
    """A loan's repayments, by id."""
    after = decode_cursor(Lists.REPAYMENTS, query.cursor)
    with open_snapshot() as snapshot:
        page, cursor = reads.repayments(snapshot, loan_id, after=after, limit=query.limit)
    return rendered(RepaymentList(repayments=[repayment_doc(order) for order in page], next_cursor=cursor))
