"""What the platform's staff do: edits, reversals, asking a channel, and looking at the books themselves."""

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
from mocklend.validation import Body, OneOf
from mocklend.views import reads
from mocklend.views.render import LoanDoc, conflicting_override, loan_doc

operator = APIBlueprint("operator", __name__)

EditKind = Annotated[str, OneOf(EDIT_KINDS)]
EditState = Annotated[str, OneOf(tuple(States))]
BillStatus = Annotated[str, OneOf(tuple(SHOWN_FOR_OVERRIDE))]


DRAFTED = "A DRAFT: the sandbox asks for a second person, and none was named."


class NewEdit(Body):
    """An edit of a bill: a relative `amount_minor` for the amount kinds, a `status` for the status kind."""

    kind: EditKind = Field(
        description="Which edit: five change an amount, MODIFY_BILL_STATUS the status that is shown."
    )
    amount_minor: RelativeMinor | None = Field(
        default=None,
        description="For the amount kinds: by how much, in minor units of the loan's currency. Below zero is "
        "the other way round.",
    )
    status: BillStatus | None = Field(
        default=None, description="For MODIFY_BILL_STATUS: the status to be shown. VALID is USING, OVERDUE is OVD."
    )
    memo: Memo
    operator: Operator
    approver: Approver | None = None


class Reversal(Body):
    """Why something is done or taken back, and by whom."""

    memo: Memo
    operator: Operator


class Rebuilding(Body):
    """Why a page is made anew, and by whom."""

    memo: Memo
    operator: Operator


class CaughtUp(TypedDict):
    """A loan after it was looked at, and whether there was anything to catch up on."""

    loan_id: LoanId
    status: LoanStatus
    version: PageVersion
    caught_up: Annotated[bool, says("Whether there was anything to catch up on.")]


class Inquiry(Body):
    """Who asks the channel."""

    operator: Operator


class EditList(TypedDict):
    """A loan's edits, oldest first."""

    edits: Annotated[list[EditDoc], says("The edits, oldest first.")]


class StatusOverrideDoc(TypedDict):
    """An operator edit that pins a status on the page which the books do not derive."""

    edit_id: EditId
    status: Annotated[str, says("The bill status that the edit set.")]
    since: Annotated[str | None, says("Since when the books say something else. RFC 3339, on the sandbox's clock.")]


class BookedLoan(LoanDoc):
    """A loan as the books have it, and the mark that pins another status on its page, if one does, and since when.

    Beside what its page says: money that came in and is on no bill, what was cancelled of the bill, written off,
    recovered since, and promised back.
    """

    status: LoanStatus
    unapplied_minor: Annotated[int, says("Money that came in and is on no bill, in minor units of `currency`.")]
    revoked_minor: Annotated[int, says("What was cancelled of the bill, in minor units of `currency`.")]
    written_off_minor: Annotated[int, says("What was written off, in minor units of `currency`.")]
    recovered_minor: Annotated[int, says("What came in after the write-off, in minor units of `currency`.")]
    refunding_minor: Annotated[int, says("What is to be paid back and is not yet, in minor units of `currency`.")]
    status_override: Annotated[
        StatusOverrideDoc | None, says("The edit that pins another status on the page; null where none does.")
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
    """Edit a bill by a relative amount; a status may only confirm what the books derive.

    - `MODIFY_BILL_AMOUNT`: above 0 adds a fee to the current bill; below 0 waives fees, then interest.
    - `MODIFY_BILL_OVERDUE_AMOUNT`: above 0 adds a penalty; below 0 waives penalty.
    - `MODIFY_PAID_AMOUNT`: above 0 pays from the loan's unapplied money; below 0 takes payments back there.
    - `MODIFY_REVOKE_AMOUNT`: above 0 cancels part of the bill, newest instalment first; below 0 puts it back, as a fee.
    - `MODIFY_PAID_REVOKE_AMOUNT`: above 0 gives paid money back to the borrower, as overpaid; below 0 pays from it.

    Amounts act on a loan that is USING or OVD: a CLEAR one reopens by a reversal only.
    """
    wanted, unwanted = ("status", "amount_minor") if new.kind == MODIFY_BILL_STATUS else ("amount_minor", "status")
    if getattr(new, wanted) is None:
        raise field_problem(wanted, f"a value: {new.kind} needs one", None)
    if getattr(new, unwanted) is not None:
        raise field_problem(unwanted, f"no value: {new.kind} takes none", getattr(new, unwanted))
    command = Edit(
        sandbox_id(),
        idempotency(),
        loan_id=loan_id,
        kind=new.kind,
        amount_minor=new.amount_minor,
        status=new.status,
        memo=new.memo,
        operator=new.operator,
        approver=new.approver,
    )
    return answered(run(command))


@operator.get("/operator/loans/<id:loan_id>/edits")
@operator.output(document(EditList))
@operator.doc(**operation("listEdits", "loan_unknown"))
def list_edits(loan_id: str) -> Response:
    """A loan's edits."""
    with open_snapshot() as snapshot:
        return rendered(EditList(edits=[edit_doc(one) for one in reads.edits(snapshot, loan_id)]))


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
    """Take an edit, a waiver, a charge or a write-off back: it then counts as never made."""
    return answered(run(ReverseEdit(sandbox_id(), idempotency(), edit_id, reversal.memo, reversal.operator)))


@operator.post("/operator/repayments/<id:repayment_id>/reverse")
@operator.input(Reversal, arg_name="reversal")
@operator.output(document(RepaymentDoc), status_code=201)
@operator.doc(**operation("reverseRepayment", "repayment_unknown", "repayment_not_applied", moves_money=True))
def reverse_repayment(repayment_id: str, reversal: Reversal) -> Response:
    """Take a repayment off the loan."""
    return answered(run(ReverseRepayment(sandbox_id(), idempotency(), repayment_id, reversal.memo, reversal.operator)))


@operator.post("/operator/repayments/<id:repayment_id>/reinstate")
@operator.input(Reversal, arg_name="why")
@operator.output(document(RepaymentDoc), status_code=201)
@operator.doc(**operation("reinstateRepayment", "repayment_unknown", "repayment_not_reversed", moves_money=True))
def reinstate_repayment(repayment_id: str, why: Reversal) -> Response:
    """Take the reversal of a repayment back: it counts again, from the channel's day on."""
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
    """Book a repayment anew, as was ordered and when its channel was paid."""
    return answered(run(RebookRepayment(sandbox_id(), idempotency(), repayment_id, why.memo, why.operator)))


@operator.post("/operator/repayments/<id:repayment_id>/query")
@operator.input(Inquiry, arg_name="inquiry")
@operator.output(document(RepaymentDoc))
@operator.doc(**operation("queryRepayment", "repayment_unknown", "trade_not_paid", moves_money=True))
def query_repayment(repayment_id: str, inquiry: Inquiry) -> Response:
    """Ask the channel for the order and apply what it says: the repair of a callback that never came, or was wrong."""
    return answered(run(QueryChannel(sandbox_id(), idempotency(), repayment_id, inquiry.operator)))


@operator.post("/operator/loans/<id:loan_id>/refresh")
@operator.input(Rebuilding, arg_name="asked")
@operator.output(document(LoanDoc))
@operator.doc(**operation("refreshLoan", "loan_unknown"))
def refresh_loan(loan_id: str, asked: Rebuilding) -> Response:
    """Make a loan's page anew from the books and show it at once, everywhere. Nothing is posted."""
    return answered(run(RebuildPage(sandbox_id(), None, loan_id, asked.memo, asked.operator)))


@operator.post("/operator/loans/<id:loan_id>/catch-up")
@operator.input(Reversal, arg_name="wish")
@operator.output(document(CaughtUp))
@operator.doc(**operation("catchUpLoan", "loan_unknown"))
def catch_up(loan_id: str, wish: Reversal) -> Response:
    """Bring a loan up to the day that the end-of-day batch has left out. One that was not left out stays as it is."""
    return answered(run(CatchUp(sandbox_id(), loan_id, wish.memo, wish.operator)))


@operator.get("/operator/loans/<id:loan_id>")
@operator.output(document(BookedLoan))
@operator.doc(**operation("getBookedLoan", "loan_unknown"))
def get_booked_loan(loan_id: str) -> Response:
    """The books' own state of a loan: never cached, and no mark changes its status."""
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
