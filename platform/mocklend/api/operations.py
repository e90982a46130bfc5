"""Charges, waivers, write-offs and refunds, which operators make beside the six edits. Each is stored as an edit."""

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
from mocklend.storage.work import Idempotency
from mocklend.validation import Body, OneOf
from mocklend.views import reads

operations = APIBlueprint("operations", __name__)


class NewCharge(Body):
    """A fee or a penalty to charge."""

    kind: Annotated[str, OneOf(tuple(CHARGED))] = Field(description="`fee` or `penalty`.")
    amount_minor: MinorAmount = Field(description="The amount of the charge, in minor units of the loan's currency.")
    due_date: BusinessDate = Field(
        description="When it falls due. It is added to the first instalment that is due on that day or later."
    )
    memo: Memo
    operator: Operator
    approver: Approver | None = None


class NewWaiver(Body):
    """A waiver of fees, interest or penalty."""

    part: Annotated[str, OneOf(tuple(WAIVED))] = Field(description="What is waived: `fee`, `interest` or `penalty`.")
    amount_minor: MinorAmount = Field(description="The amount that is waived, in minor units of the loan's currency.")
    memo: Memo
    operator: Operator
    approver: Approver | None = None


class NewWriteOff(Body):
    """A write-off: its reason, operator and approver."""

    memo: Memo
    operator: Operator
    approver: Approver | None = None


class NewRefund(Body):
    """A refund of an overpaid amount. Without `amount_minor`: of all that is overpaid."""

    amount_minor: MinorAmount | None = Field(
        default=None,
        description="The amount of the refund, in minor units of the loan's currency; all that is overpaid if not "
        "given.",
    )
    channel: ChannelId
    memo: Memo
    operator: Operator
    approver: Approver | None = None


class PayoutList(TypedDict):
    """A loan's payouts, oldest first."""

    payouts: Annotated[list[PayoutDoc], says("The payouts, oldest first.")]


@operations.post("/operator/loans/<id:loan_id>/charges")
@operations.input(NewCharge, arg_name="new")
@operations.output(document(EditDoc), status_code=201)
@operations.doc(
    **operation(
        "charge", "loan_unknown", "loan_not_active", "date_out_of_range", "edit_too_large", "four_eyes",
        moves_money=True, may_be_202=DRAFTED,
    )
)  # fmt: skip
def charge(loan_id: str, new: NewCharge) -> Response:
    """Charge a fee or a penalty. It is added to the first instalment due at `due_date` or later, else to the last."""
    return answered(run(charge_of(sandbox_id(), idempotency(), loan_id, new)))


def charge_of(sandbox_id: str, idem: Idempotency, loan_id: str, new: NewCharge) -> Charge:
    """The command for a request."""
    return Charge(
        sandbox_id,
        idem,
        loan_id=loan_id,
        kind=new.kind,
        amount_minor=new.amount_minor,
        due=new.due_date,
        memo=new.memo,
        operator=new.operator,
        approver=new.approver,
    )


@operations.post("/operator/loans/<id:loan_id>/waivers")
@operations.input(NewWaiver, arg_name="new")
@operations.output(document(EditDoc), status_code=201)
@operations.doc(
    **operation(
        "waive", "loan_unknown", "loan_not_active", "waiver_too_large", "four_eyes",
        moves_money=True, may_be_202=DRAFTED,
    )
)  # fmt: skip
def waive(loan_id: str, new: NewWaiver) -> Response:
    """Waive fees, interest or penalty, oldest instalment first. Principal cannot be waived, only written off."""
    return answered(run(waiver_of(sandbox_id(), idempotency(), loan_id, new)))


def waiver_of(sandbox_id: str, idem: Idempotency, loan_id: str, new: NewWaiver) -> Waive:
    """The command for a request."""
    return Waive(
        sandbox_id,
        idem,
        loan_id=loan_id,
        part=new.part,
        amount_minor=new.amount_minor,
        memo=new.memo,
        operator=new.operator,
        approver=new.approver,
    )


@operations.post("/operator/loans/<id:loan_id>/write-offs")
@operations.input(NewWriteOff, arg_name="new")
@operations.output(document(EditDoc), status_code=201)
@operations.doc(
    **operation("writeOff", "loan_unknown", "loan_not_active", "four_eyes", moves_money=True, may_be_202=DRAFTED)
)
def write_off(loan_id: str, new: NewWriteOff) -> Response:
    """Write off all that is owed: the loan's status becomes OFF. Later payments are recoveries."""
    return answered(run(WriteOff(sandbox_id(), idempotency(), loan_id, new.memo, new.operator, new.approver)))


@operations.post("/operator/loans/<id:loan_id>/refunds")
@operations.input(NewRefund, arg_name="new")
@operations.output(document(EditDoc), status_code=201)
@operations.doc(
    **operation(
        "refund", "loan_unknown", "loan_not_active", "channel_unknown", "refund_too_large", "four_eyes",
        moves_money=True, may_be_202=DRAFTED,
    )
)  # fmt: skip
def refund(loan_id: str, new: NewRefund) -> Response:
    """Refund an overpaid amount. The channel pays it out after its settlement delay (see the loan's payouts)."""
    return answered(run(refund_of(sandbox_id(), idempotency(), loan_id, new)))


def refund_of(sandbox_id: str, idem: Idempotency, loan_id: str, new: NewRefund) -> Refund:
    """The command for a request."""
    return Refund(
        sandbox_id,
        idem,
        loan_id=loan_id,
        channel=new.channel,
        amount_minor=new.amount_minor,
        memo=new.memo,
        operator=new.operator,
        approver=new.approver,
    )


@operations.get("/operator/loans/<id:loan_id>/payouts")
@operations.output(document(PayoutList))
@operations.doc(**operation("listPayouts", "loan_unknown"))
def list_payouts(loan_id: str) -> Response:
    """The payouts of a loan, made or planned: disbursement, refunds and compensations."""
    with open_snapshot() as snapshot:
        return rendered(PayoutList(payouts=[payout_doc(payout) for payout in reads.payouts(snapshot, loan_id)]))
