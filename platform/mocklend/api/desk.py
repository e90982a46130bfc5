"""Charges, waivers, write-offs and refunds: what the desk decides beside the six edits. Each is an edit on record."""

from __future__ import annotations

from typing import Annotated

from apiflask import APIBlueprint
from flask import Response

from mocklend.api.answers import answered, rendered
from mocklend.api.asking import run, sandbox_id, snapshot
from mocklend.api.fields import Body, BusinessDate, Choice, Doc, Id, Memo, MinorAmount, Person
from mocklend.api.idempotency import idempotency
from mocklend.api.openapi import described
from mocklend.api.operator import DRAFTED, EditDoc
from mocklend.channels.payouts import PURPOSES, payout_doc
from mocklend.servicing import Charge, Refund, Waive, WriteOff
from mocklend.servicing.charges import CHARGED, WAIVED
from mocklend.views import reads

desk = APIBlueprint("desk", __name__)


class NewCharge(Body):
    """A fee or a penalty that falls due on a day."""

    kind: Annotated[str, Choice(tuple(CHARGED))]
    amount_minor: MinorAmount
    due_date: BusinessDate
    memo: Memo
    operator: Person
    approver: Person | None = None


class NewWaiver(Body):
    """What part of what is owed is let go."""

    part: Annotated[str, Choice(tuple(WAIVED))]
    amount_minor: MinorAmount
    memo: Memo
    operator: Person
    approver: Person | None = None


class NewWriteOff(Body):
    """Why a loan is given up, and by whom."""

    memo: Memo
    operator: Person
    approver: Person | None = None


class NewRefund(Body):
    """What is paid back, through which channel. Without an amount: all that is overpaid."""

    amount_minor: MinorAmount | None = None
    channel: Id
    memo: Memo
    operator: Person
    approver: Person | None = None


class PayoutDoc(Doc):
    """Money that goes out: ORDERED, then PAID."""

    id: str
    loan_id: str
    purpose: Annotated[str, Choice(tuple(PURPOSES))]
    channel: str
    amount_minor: int
    currency: str
    state: Annotated[str, Choice(("ORDERED", "PAID", "FAILED"))]
    created_at: str
    paid_at: str | None


class PayoutList(Doc):
    """A loan's payouts, oldest first."""

    payouts: list[PayoutDoc]


@desk.post("/operator/loans/<id:loan_id>/charges")
@desk.input(NewCharge, arg_name="new")
@desk.output(EditDoc, status_code=201)
@desk.doc(
    **described(
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
@desk.output(EditDoc, status_code=201)
@desk.doc(
    **described(
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
@desk.output(EditDoc, status_code=201)
@desk.doc(**described("writeOff", "loan_unknown", "loan_not_active", "four_eyes", moves_money=True, may_be_202=DRAFTED))
def write_off(loan_id: str, new: NewWriteOff) -> Response:
    """Write off all that is owed: the loan is OFF. What comes in later is a recovery, until nothing is lost."""
    return answered(run(WriteOff(sandbox_id(), idempotency(), loan_id, new.memo, new.operator, new.approver)))


@desk.post("/operator/loans/<id:loan_id>/refunds")
@desk.input(NewRefund, arg_name="new")
@desk.output(EditDoc, status_code=201)
@desk.doc(
    **described(
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
@desk.output(PayoutList)
@desk.doc(**described("listPayouts", "loan_unknown"))
def list_payouts(loan_id: str) -> Response:
    """What was paid out on a loan, or is about to be: its principal, refunds, compensations."""
    with snapshot() as (connection, sandbox, _):
        return rendered({"payouts": [payout_doc(one) for one in reads.payouts(connection, sandbox, loan_id)]})
