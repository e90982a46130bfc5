"""What the platform's staff do: edits, reversals, asking a channel, and looking at the books themselves."""

from __future__ import annotations

import json
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Response

from mocklend.api.answers import answered, rendered
from mocklend.api.asking import run, sandbox_id, snapshot
from mocklend.api.fields import Body, Choice, Doc, Memo, Name, RelativeMinor
from mocklend.api.idempotency import idempotency
from mocklend.api.loans import STATUSES, LoanDoc
from mocklend.api.openapi import described
from mocklend.api.problems import field_problem
from mocklend.api.repayments import RepaymentDoc
from mocklend.domain.facts import MODIFY_BILL_STATUS
from mocklend.lending.books import state_of
from mocklend.servicing import Edit, QueryChannel, ReverseEdit, ReverseRepayment
from mocklend.servicing.edits import KINDS, edit_doc
from mocklend.storage.entities import Loan
from mocklend.views import reads
from mocklend.views.render import SHOWN_FOR_MARK, loan_doc

operator = APIBlueprint("operator", __name__)

EditKind = Annotated[str, Choice(KINDS)]
BillStatus = Annotated[str, Choice(tuple(SHOWN_FOR_MARK))]


class NewEdit(Body):
    """An edit of a bill: a relative `amount_minor` for the amount kinds, a `status` for the status kind."""

    kind: EditKind
    amount_minor: RelativeMinor | None = None
    status: BillStatus | None = None
    memo: Memo
    operator: Name
    approver: Name | None = None


class Reversal(Body):
    """Why something is taken back, and by whom."""

    memo: Memo
    operator: Name


class Inquiry(Body):
    """Who asks the channel."""

    operator: Name


class BillDoc(Doc):
    """A bill before or after an edit."""

    status: str
    outstanding_minor: int


class EditDoc(Doc):
    """An edit as it went on the books."""

    id: str
    loan_id: str
    kind: EditKind
    amount_minor: int | None
    status: str | None
    memo: str
    operator: str
    approver: str | None
    state: Annotated[str, Choice(("APPLIED", "REVERSED"))]
    before: BillDoc
    after: BillDoc
    created_at: str


class EditList(Doc):
    """A loan's edits, oldest first."""

    edits: list[EditDoc]


class BookedLoan(LoanDoc):
    """A loan as the books have it, and the mark that pins another status on its page, if one does."""

    status: Annotated[str, Choice(STATUSES)]
    mark: dict[str, Any] | None


@operator.post("/operator/loans/<id:loan_id>/edits")
@operator.input(NewEdit, arg_name="new")
@operator.output(EditDoc, status_code=201)
@operator.doc(
    **described(
        "edit", "loan_unknown", "amount_out_of_range", "loan_not_active", "waiver_too_large", "mark_contradicts_books",
        moves_money=True,
    )
)  # fmt: skip
def edit(loan_id: str, new: NewEdit) -> Response:
    """Edit a bill: > 0 adds a fee or penalty, < 0 waives; a status may only confirm what the books derive."""
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
@operator.output(EditList)
@operator.doc(**described("listEdits", "loan_unknown"))
def list_edits(loan_id: str) -> Response:
    """A loan's edits."""
    with snapshot() as (connection, sandbox, _):
        return rendered({"edits": [edit_doc(one) for one in reads.edits(connection, sandbox, loan_id)]})


@operator.post("/operator/edits/<id:edit_id>/reverse")
@operator.input(Reversal, arg_name="reversal")
@operator.output(EditDoc, status_code=201)
@operator.doc(**described("reverseEdit", "edit_unknown", "edit_already_reversed", moves_money=True))
def reverse_edit(edit_id: str, reversal: Reversal) -> Response:
    """Take an edit back."""
    return answered(run(ReverseEdit(sandbox_id(), idempotency(), edit_id, reversal.memo, reversal.operator)))


@operator.post("/operator/repayments/<id:repayment_id>/reverse")
@operator.input(Reversal, arg_name="reversal")
@operator.output(RepaymentDoc, status_code=201)
@operator.doc(**described("reverseRepayment", "repayment_unknown", "repayment_not_applied", moves_money=True))
def reverse_repayment(repayment_id: str, reversal: Reversal) -> Response:
    """Take a repayment off the loan."""
    return answered(run(ReverseRepayment(sandbox_id(), idempotency(), repayment_id, reversal.memo, reversal.operator)))


@operator.post("/operator/repayments/<id:repayment_id>/query")
@operator.input(Inquiry, arg_name="inquiry")
@operator.output(RepaymentDoc)
@operator.doc(**described("queryRepayment", "repayment_unknown", "trade_not_paid", moves_money=True))
def query_repayment(repayment_id: str, inquiry: Inquiry) -> Response:
    """Ask the channel for the order and apply what it says: the repair of a callback that never came."""
    return answered(run(QueryChannel(sandbox_id(), idempotency(), repayment_id, inquiry.operator)))


@operator.get("/operator/loans/<id:loan_id>")
@operator.output(BookedLoan)
@operator.doc(**described("getBookedLoan", "loan_unknown"))
def get_booked_loan(loan_id: str) -> Response:
    """The books' own state of a loan: never cached, and no mark changes its status."""
    with snapshot() as (connection, sandbox, now_ms):
        loan: Loan = reads.entity(connection, sandbox, "loan", loan_id)
    state = state_of(loan)
    booked = loan_doc(loan, state, now_ms) | {"status": state.status}
    return rendered(booked | {"mark": json.loads(loan.mark) if loan.mark else None})
