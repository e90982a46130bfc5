"""Charges, waivers, write-offs and refunds: what the desk decides beside the six edits. Each is an edit on record."""

from __future__ import annotations

from typing import Annotated, TypedDict

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

from mocklend.api.documents import document
from mocklend.api.fields import BusinessDate, Memo, MinorAmount
from mocklend.api.idempotency import idempotency
from mocklend.api.nouns import Approver, ChannelId, Operator
from mocklend.api.openapi import operation
from mocklend.api.operator import DRAFTED
from mocklend.api.request_context import open_snapshot, run, sandbox_id
from mocklend.api.responses import answered, rendered
from mocklend.channels.payouts import PayoutDoc, payout_doc
from mocklend.domain.nouns import says
from mocklend.servicing import Charge, Refund, Waive, WriteOff
from mocklend.servicing.charges import CHARGED, WAIVED
from mocklend.servicing.operations import EditDoc
from mocklend.validation import Body, OneOf
from mocklend.views import reads

desk = APIBlueprint("desk", __name__)


class NewCharge(Body):
    """A fee or a penalty that falls due on a day."""

    kind: Annotated[str, OneOf(tuple(CHARGED))] = Field(description="`fee` or `penalty`.")
    amount_minor: MinorAmount = Field(description="How much is charged, in minor units of the loan's currency.")
    due_date: BusinessDate = Field(
        description="When it falls due; it joins the instalment of that day or the next after it."
    )
    memo: Memo
    operator: Operator
    approver: Approver | None = None


class NewWaiver(Body):
    """What part of what is owed is let go."""

    part: Annotated[str, OneOf(tuple(WAIVED))] = Field(description="What is let go: `fee`, `interest` or `penalty`.")
    amount_minor: MinorAmount = Field(description="How much is let go, in minor units of the loan's currency.")
    memo: Memo
    operator: Operator
    approver: Approver | None = None


class NewWriteOff(Body):
    """Why a loan is given up, and by whom."""

    memo: Memo
    operator: Operator
    approver: Approver | None = None


class NewRefund(Body):
    """What is paid back, through which channel. Without an amount: all that is overpaid."""

    amount_minor: MinorAmount | None = Field(
        default=None,
        description="How much is paid back, in minor units of the loan's currency; all that is overpaid if not given.",
    )
    channel: ChannelId
    memo: Memo
    operator: Operator
    approver: Approver | None = None


class PayoutList(TypedDict):
    """A loan's payouts, oldest first."""

    payouts: Annotated[list[PayoutDoc], says("The payouts, oldest first.")]


@desk.post("/operator/loans/<id:loan_id>/charges")
@desk.input(NewCharge, arg_name="new")
@desk.output(document(EditDoc), status_code=201)
@desk.doc(
    **operation(
        "charge", "loan_unknown", "loan_not_active", "date_out_of_range", "edit_too_large", "four_eyes",
        moves_money=True, may_be_202=DRAFTED,
    )
)  # fmt: skip
def charge(loan_id: str, new: NewCharge) -> Response:
    """Charge a fee or a penalty. It joins the instalment that falls due then or next; the last where none does."""
    command = Charge(
        sandbox_id(),
        idempotency(),
        loan_id=loan_id,
        kind=new.kind,
        amount_minor=new.amount_minor,
        due=new.due_date,
        memo=new.memo,
        operator=new.operator,
        approver=new.approver,
    )
    return answered(run(command))


@desk.post("/operator/loans/<id:loan_id>/waivers")
@desk.input(NewWaiver, arg_name="new")
@desk.output(document(EditDoc), status_code=201)
@desk.doc(
    **operation(
        "waive", "loan_unknown", "loan_not_active", "waiver_too_large", "four_eyes",
        moves_money=True, may_be_202=DRAFTED,
    )
)  # fmt: skip
def waive(loan_id: str, new: NewWaiver) -> Response:
    """Waive fees, interest or penalty, oldest instalment first. Principal is never waived: see write-offs."""
    command = Waive(
        sandbox_id(),
        idempotency(),
        loan_id=loan_id,
        part=new.part,
        amount_minor=new.amount_minor,
        memo=new.memo,
        operator=new.operator,
        approver=new.approver,
    )
    return answered(run(command))


@desk.post("/operator/loans/<id:loan_id>/write-offs")
@desk.input(NewWriteOff, arg_name="new")
@desk.output(document(EditDoc), status_code=201)
@desk.doc(**operation("writeOff", "loan_unknown", "loan_not_active", "four_eyes", moves_money=True, may_be_202=DRAFTED))
def write_off(loan_id: str, new: NewWriteOff) -> Response:
    """Write off all that is owed: the loan is OFF. What comes in later is a recovery, until nothing is lost."""
    return answered(run(WriteOff(sandbox_id(), idempotency(), loan_id, new.memo, new.operator, new.approver)))


@desk.post("/operator/loans/<id:loan_id>/refunds")
@desk.input(NewRefund, arg_name="new")
@desk.output(document(EditDoc), status_code=201)
@desk.doc(
    **operation(
        "refund", "loan_unknown", "loan_not_active", "channel_unknown", "refund_too_large", "four_eyes",
        moves_money=True, may_be_202=DRAFTED,
    )
)  # fmt: skip
def refund(loan_id: str, new: NewRefund) -> Response:
    """Promise back what is overpaid. The channel pays it out after its delay: see payouts."""
    command = Refund(
        sandbox_id(),
        idempotency(),
        loan_id=loan_id,
        channel=new.channel,
        amount_minor=new.amount_minor,
        memo=new.memo,
        operator=new.operator,
        approver=new.approver,
    )
    return answered(run(command))


@desk.get("/operator/loans/<id:loan_id>/payouts")
@desk.output(document(PayoutList))
@desk.doc(**operation("listPayouts", "loan_unknown"))
def list_payouts(loan_id: str) -> Response:
    """What was paid out on a loan, or is about to be: its principal, refunds, compensations."""
    with open_snapshot() as snapshot:
        return rendered(PayoutList(payouts=[payout_doc(payout) for payout in reads.payouts(snapshot, loan_id)]))
