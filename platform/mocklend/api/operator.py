"""The operator plane: edits, reversals, channel queries, and the books' own state of a loan."""

from __future__ import annotations

from typing import Annotated, TypedDict

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

from mocklend.api.documents import document
from mocklend.api.fields import Memo, RelativeMinor
from mocklend.api.idempotency import idempotency
from mocklend.api.nouns import Approver, Operator
from mocklend.api.openapi import operation
from mocklend.api.problems import field_problem
from mocklend.api.request_context import open_snapshot, run, sandbox_id
from mocklend.api.responses import answered, rendered
from mocklend.domain.facts import MODIFY_BILL_STATUS
from mocklend.domain.nouns import EditId, LoanId, LoanStatus, PageVersion, says
from mocklend.domain.statuses import SHOWN_FOR_OVERRIDE
from mocklend.domain.statuses import EditState as States
from mocklend.lending.books import state_of
from mocklend.lending.repay import RepaymentDoc
from mocklend.sandboxes.timestamps import maybe_rfc3339
from mocklend.servicing import (
    CatchUp,
    Edit,
    QueryChannel,
    RebookRepayment,
    RebuildPage,
    ReinstateRepayment,
    ReverseEdit,
    ReverseRepayment,
)
from mocklend.servicing.operations import EDIT_KINDS, EditDoc, edit_doc
from mocklend.storage.entities import Loan
from mocklend.storage.values import StatusOverride
from mocklend.storage.work import Idempotency
from mocklend.validation import Body, OneOf
from mocklend.views import reads
from mocklend.views.render import LoanDoc, conflicting_override, loan_doc

operator = APIBlueprint("operator", __name__)

EditKind = Annotated[str, OneOf(EDIT_KINDS)]
EditState = Annotated[str, OneOf(tuple(States))]
BillStatus = Annotated[str, OneOf(tuple(SHOWN_FOR_OVERRIDE))]


DRAFTED = "A DRAFT: the sandbox requires an approver, and the request names none."


class NewEdit(Body):
    """An edit of a bill: a relative `amount_minor` for the amount kinds, a `status` for the status kind."""

    kind: EditKind = Field(
        description="The kind of edit: five kinds change an amount, MODIFY_BILL_STATUS the status that is shown."
    )
    amount_minor: RelativeMinor | None = Field(
        default=None,
        description="For the amount kinds: the change, in minor units of the loan's currency; below zero it reverses "
        "the kind's direction.",
    )
    status: BillStatus | None = Field(
        default=None, description="For MODIFY_BILL_STATUS: the status to show. VALID means USING, OVERDUE means OVD."
    )
    memo: Memo
    operator: Operator
    approver: Approver | None = None


class Reversal(Body):
    """The reason of an operator's action, and the operator."""

    memo: Memo
    operator: Operator


class Rebuilding(Body):
    """The reason to rebuild a status page, and the operator."""

    memo: Memo
    operator: Operator


class CaughtUp(TypedDict):
    """A loan after catching up."""

    loan_id: LoanId
    status: LoanStatus
    version: PageVersion
    caught_up: Annotated[bool, says("Whether the end-of-day batch had left the loan out.")]


class Inquiry(Body):
    """The operator who queries the channel."""

    operator: Operator


class EditList(TypedDict):
    """A loan's edits, oldest first."""

    edits: Annotated[list[EditDoc], says("The edits, oldest first.")]


class StatusOverrideDoc(TypedDict):
    """A status override that contradicts the books."""

    edit_id: EditId
    status: Annotated[str, says("The bill status that the edit set.")]
    since: Annotated[str | None, says("Since when it contradicts the books. RFC 3339, on the sandbox's clock.")]


class BookedLoan(LoanDoc):
    """A loan as it is on the books: the fields of its status page, further amounts, and a contradicting override."""

    status: LoanStatus
    unapplied_minor: Annotated[int, says("Payments that are on no instalment, in minor units of `currency`.")]
    revoked_minor: Annotated[int, says("The cancelled part of the bill, in minor units of `currency`.")]
    written_off_minor: Annotated[int, says("The amount written off, in minor units of `currency`.")]
    recovered_minor: Annotated[int, says("Payments received after the write-off, in minor units of `currency`.")]
    refunding_minor: Annotated[int, says("Refunds that are not paid out yet, in minor units of `currency`.")]
    status_override: Annotated[
        StatusOverrideDoc | None, says("The status override that contradicts the books; null if there is none.")
    ]


@operator.post("/operator/loans/<id:loan_id>/edits")
@operator.input(NewEdit, arg_name="new")
@operator.output(document(EditDoc), status_code=201)
@operator.doc(
    **operation(
        "edit", "loan_unknown", "amount_out_of_range", "loan_not_active", "waiver_too_large", "edit_too_large",
        "override_contradicts_books", "four_eyes", moves_money=True, may_be_202=DRAFTED,
    )
)  # fmt: skip
def edit(loan_id: str, new: NewEdit) -> Response:
    """Edit a bill by a relative amount. A status edit is accepted only if it confirms the status on the books.

    - `MODIFY_BILL_AMOUNT`: above 0 adds a fee to the current bill; below 0 waives fees, then interest.
    - `MODIFY_BILL_OVERDUE_AMOUNT`: above 0 adds a penalty; below 0 waives penalty.
    - `MODIFY_PAID_AMOUNT`: above 0 pays from the loan's unapplied money; below 0 moves payments back to it.
    - `MODIFY_REVOKE_AMOUNT`: above 0 cancels part of the bill, newest instalment first; below 0 restores it, as a fee.
    - `MODIFY_PAID_REVOKE_AMOUNT`: above 0 turns paid money into overpaid money; below 0 pays from overpaid money.

    Amounts can be edited while the loan is USING or OVD. Only a reversal reopens a CLEAR loan.
    """
    return answered(run(edit_of(sandbox_id(), idempotency(), loan_id, new)))


def edit_of(sandbox_id: str, idem: Idempotency, loan_id: str, new: NewEdit) -> Edit:
    """The command for a request. Refused `validation_failed` if the fields do not fit the kind."""
    required, forbidden = ("status", "amount_minor") if new.kind == MODIFY_BILL_STATUS else ("amount_minor", "status")
    if getattr(new, required) is None:
        raise field_problem(required, f"a value: {new.kind} needs one", None)
    if getattr(new, forbidden) is not None:
        raise field_problem(forbidden, f"no value: {new.kind} takes none", getattr(new, forbidden))
    return Edit(
        sandbox_id,
        idem,
        loan_id=loan_id,
        kind=new.kind,
        amount_minor=new.amount_minor,
        status=new.status,
        memo=new.memo,
        operator=new.operator,
        approver=new.approver,
    )


@operator.get("/operator/loans/<id:loan_id>/edits")
@operator.output(document(EditList))
@operator.doc(**operation("listEdits", "loan_unknown"))
def list_edits(loan_id: str) -> Response:
    """A loan's edits."""
    with open_snapshot() as snapshot:
        return rendered(EditList(edits=[edit_doc(edit) for edit in reads.edits(snapshot, loan_id)]))


@operator.post("/operator/edits/<id:edit_id>/reverse")
@operator.input(Reversal, arg_name="reversal")
@operator.output(document(EditDoc), status_code=201)
@operator.doc(
    **operation(
        "reverseEdit", "edit_unknown", "edit_already_reversed", "edit_not_applied", "edit_not_reversible",
        moves_money=True,
    )
)  # fmt: skip
def reverse_edit(edit_id: str, reversal: Reversal) -> Response:
    """Reverse an edit, a waiver, a charge or a write-off: the loan is as if it had never been made."""
    return answered(run(ReverseEdit(sandbox_id(), idempotency(), edit_id, reversal.memo, reversal.operator)))


@operator.post("/operator/repayments/<id:repayment_id>/reverse")
@operator.input(Reversal, arg_name="reversal")
@operator.output(document(RepaymentDoc), status_code=201)
@operator.doc(**operation("reverseRepayment", "repayment_unknown", "repayment_not_applied", moves_money=True))
def reverse_repayment(repayment_id: str, reversal: Reversal) -> Response:
    """Reverse a repayment: it no longer counts on the loan."""
    return answered(run(ReverseRepayment(sandbox_id(), idempotency(), repayment_id, reversal.memo, reversal.operator)))


@operator.post("/operator/repayments/<id:repayment_id>/reinstate")
@operator.input(Reversal, arg_name="why")
@operator.output(document(RepaymentDoc), status_code=201)
@operator.doc(**operation("reinstateRepayment", "repayment_unknown", "repayment_not_reversed", moves_money=True))
def reinstate_repayment(repayment_id: str, why: Reversal) -> Response:
    """Undo the reversal of a repayment: it counts again, effective on the channel's day."""
    return answered(run(ReinstateRepayment(sandbox_id(), idempotency(), repayment_id, why.memo, why.operator)))


@operator.post("/operator/repayments/<id:repayment_id>/rebook")
@operator.input(Reversal, arg_name="why")
@operator.output(document(RepaymentDoc), status_code=201)
@operator.doc(
    **operation(
        "rebookRepayment", "repayment_unknown", "repayment_not_applied", "repayment_booked_right", moves_money=True
    )
)
def rebook_repayment(repayment_id: str, why: Reversal) -> Response:
    """Rebook a repayment as it was ordered, effective when its channel was paid."""
    return answered(run(RebookRepayment(sandbox_id(), idempotency(), repayment_id, why.memo, why.operator)))


@operator.post("/operator/repayments/<id:repayment_id>/query")
@operator.input(Inquiry, arg_name="inquiry")
@operator.output(document(RepaymentDoc))
@operator.doc(**operation("queryRepayment", "repayment_unknown", "trade_not_paid", moves_money=True))
def query_repayment(repayment_id: str, inquiry: Inquiry) -> Response:
    """Query the order at its channel and post the result. This repairs a lost or a wrong callback."""
    return answered(run(QueryChannel(sandbox_id(), idempotency(), repayment_id, inquiry.operator)))


@operator.post("/operator/loans/<id:loan_id>/refresh")
@operator.input(Rebuilding, arg_name="why")
@operator.output(document(LoanDoc))
@operator.doc(**operation("refreshLoan", "loan_unknown"))
def refresh_loan(loan_id: str, why: Rebuilding) -> Response:
    """Rebuild a loan's status page from the books and show it at once in every view. Nothing is posted."""
    return answered(run(RebuildPage(sandbox_id(), None, loan_id, why.memo, why.operator)))


@operator.post("/operator/loans/<id:loan_id>/catch-up")
@operator.input(Reversal, arg_name="why")
@operator.output(document(CaughtUp))
@operator.doc(**operation("catchUpLoan", "loan_unknown"))
def catch_up(loan_id: str, why: Reversal) -> Response:
    """Run the end of day for a loan that the batch has left out. Any other loan does not change."""
    return answered(run(CatchUp(sandbox_id(), loan_id, why.memo, why.operator)))


@operator.get("/operator/loans/<id:loan_id>")
@operator.output(document(BookedLoan))
@operator.doc(**operation("getBookedLoan", "loan_unknown"))
def get_booked_loan(loan_id: str) -> Response:
    """A loan as it is on the books: never cached, and without status overrides."""
    with open_snapshot() as snapshot:
        loan = reads.entity(snapshot, Loan, loan_id)
    state = state_of(loan)
    page = loan_doc(loan, state, snapshot.now_ms)
    page["status"] = state.status
    override = conflicting_override(loan)
    booked = BookedLoan(
        **page,
        unapplied_minor=state.unapplied_minor,
        revoked_minor=state.revoked_minor,
        written_off_minor=state.written_off_minor,
        recovered_minor=state.recovered_minor,
        refunding_minor=state.refunding_minor,
        status_override=None if override is None else _override_doc(override),
    )
    return rendered(booked)


def _override_doc(override: StatusOverride) -> StatusOverrideDoc:
    return StatusOverrideDoc(edit_id=override.edit_id, status=override.status, since=maybe_rfc3339(override.since_ms))
