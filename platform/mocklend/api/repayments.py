"""Repayments: ordering one, and what the platform knows of it. The money goes its way through a channel."""

from __future__ import annotations

from typing import Annotated

from apiflask import APIBlueprint
from flask import Response

from mocklend.api.answers import answered, rendered
from mocklend.api.asking import run, sandbox_id, snapshot
from mocklend.api.fields import Body, Choice, Doc, Id, MinorAmount, Reference
from mocklend.api.idempotency import idempotency
from mocklend.api.lists import Paged, place
from mocklend.api.openapi import described
from mocklend.api.quotes import RepaymentType
from mocklend.domain.channel import channel_of
from mocklend.domain.facts import CLEAR, INSTALMENT, OVD_AND_CURRENT
from mocklend.lending import Repay
from mocklend.lending.repay import repayment_doc
from mocklend.storage.work import Idempotency
from mocklend.views import reads

repayments = APIBlueprint("repayments", __name__)


class NewRepayment(Body):
    """What is to be repaid, and through which channel."""

    amount_minor: MinorAmount
    channel: Id
    type: RepaymentType
    quote_id: Id | None = None
    payer_reference: Reference | None = None


class RepaymentDoc(Doc):
    """A repayment: PROCESSING until the platform learns of the money, then S, F, or REVERSED.

    `booked_type` is what the books took it for (INSTALMENT, which nobody can order, where a payoff was filed under the
    instalment of the plan), and `booked_at` from when it counts there;
    `reversal_id` names the reversal that took it off its loan, `idempotency_key` came with the request that ordered it.
    """

    id: str
    loan_id: str
    status: Annotated[str, Choice(("I", "PROCESSING", "S", "F", "PARTIAL", "REVERSED"))]
    amount_minor: int
    applied_minor: int
    overpaid_minor: int
    currency: str
    channel: str
    type: RepaymentType
    quote_id: str | None
    payer_reference: str | None
    out_trade_no: str
    channel_trade_no: str | None
    created_at: str
    paid_at: str | None
    applied_at: str | None
    booked_type: Annotated[str, Choice((CLEAR, OVD_AND_CURRENT, INSTALMENT))] | None
    booked_at: str | None
    reversal_id: str | None
    idempotency_key: str | None


class RepaymentList(Doc):
    """A page of a loan's repayments."""

    repayments: list[RepaymentDoc]
    next_cursor: str | None


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
        settle_delay_s=channel.settle_delay_s,
        type=new.type,
        quote_id=new.quote_id,
        payer_reference=new.payer_reference,
    )


@repayments.get("/v1/repayments/<id:repayment_id>")
@repayments.output(RepaymentDoc)
@repayments.doc(**described("getRepayment", "repayment_unknown"))
def get_repayment(repayment_id: str) -> Response:
    """One repayment, as the platform knows it."""
    with snapshot() as (connection, sandbox, _):
        return rendered(repayment_doc(reads.entity(connection, sandbox, "repayment", repayment_id)))


@repayments.get("/v1/loans/<id:loan_id>/repayments")
@repayments.input(Paged, location="query", arg_name="query")
@repayments.output(RepaymentList)
@repayments.doc(**described("listRepayments", "loan_unknown"))
def list_repayments(loan_id: str, query: Paged) -> Response:
    """A loan's repayments, by id."""
    after = place(query.cursor)
    with snapshot() as (connection, sandbox, _):
        found, cursor = reads.repayments(connection, sandbox, loan_id, after=after, limit=query.limit)
    return rendered({"repayments": [repayment_doc(one) for one in found], "next_cursor": cursor})
