"""Four eyes: the drafts that wait for a second person, and the log of everything that staff did."""

from __future__ import annotations

from typing import Annotated, TypedDict

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

from mocklend.api.documents import document
from mocklend.api.fields import Person
from mocklend.api.idempotency import idempotency
from mocklend.api.openapi import operation
from mocklend.api.operator import EditState, Reversal
from mocklend.api.pagination import Paged, place
from mocklend.api.request_context import open_snapshot, run, sandbox_id
from mocklend.api.responses import answered, rendered
from mocklend.domain.nouns import NextCursor, says
from mocklend.lending.operator_log import OperatorActionDoc, operator_log_of
from mocklend.servicing import ApproveEdit, RejectEdit
from mocklend.servicing.operations import EditDoc, edit_doc
from mocklend.storage.entities import OperatorEdit
from mocklend.validation import Body
from mocklend.views import reads

approvals = APIBlueprint("approvals", __name__)


class Approval(Body):
    """Who approves: anybody but the operator."""

    approver: Person = Field(description="Who approves: anybody but the operator.")


class EditQuery(Paged):
    """Which edits."""

    state: EditState | None = Field(default=None, description="Only edits in this state.")


class EditPage(TypedDict):
    """A page of edits."""

    edits: Annotated[list[EditDoc], says("The edits of this page.")]
    next_cursor: NextCursor | None


class OperatorLog(TypedDict):
    """What staff did to a loan, oldest first."""

    actions: Annotated[list[OperatorActionDoc], says("The actions, oldest first.")]


@approvals.get("/operator/edits")
@approvals.input(EditQuery, location="query", arg_name="query")
@approvals.output(document(EditPage))
@approvals.doc(**operation("listAllEdits"))
def list_all_edits(query: EditQuery) -> Response:
    """The edits of all loans: with `state=DRAFT`, those that wait for a second person."""
    with open_snapshot() as snapshot:
        found, following = reads.edits_in(snapshot, state=query.state, after=place(query.cursor), limit=query.limit)
    return rendered(EditPage(edits=[edit_doc(edit) for edit in found], next_cursor=following))


@approvals.get("/operator/edits/<id:edit_id>")
@approvals.output(document(EditDoc))
@approvals.doc(**operation("getEdit", "edit_unknown"))
def get_edit(edit_id: str) -> Response:
    """One edit."""
    with open_snapshot() as snapshot:
        return rendered(edit_doc(reads.entity(snapshot, OperatorEdit, edit_id)))


@approvals.post("/operator/edits/<id:edit_id>/approve")
@approvals.input(Approval, arg_name="approval")
@approvals.output(document(EditDoc), status_code=201)
@approvals.doc(
    **operation(
        "approveEdit", "edit_unknown", "edit_not_draft", "four_eyes", "amount_out_of_range", "date_out_of_range",
        "loan_not_active", "waiver_too_large", "refund_too_large", "edit_too_large", moves_money=True,
    )
)  # fmt: skip
def approve_edit(edit_id: str, approval: Approval) -> Response:
    """Approve a draft: it goes on the books as of now, if they still take it."""
    return answered(run(ApproveEdit(sandbox_id(), idempotency(), edit_id, approval.approver)))


@approvals.post("/operator/edits/<id:edit_id>/reject")
@approvals.input(Reversal, arg_name="rejection")
@approvals.output(document(EditDoc), status_code=201)
@approvals.doc(**operation("rejectEdit", "edit_unknown", "edit_not_draft", moves_money=True))
def reject_edit(edit_id: str, rejection: Reversal) -> Response:
    """Drop a draft. Whoever asked for it may, too."""
    return answered(run(RejectEdit(sandbox_id(), idempotency(), edit_id, rejection.memo, rejection.operator)))


@approvals.get("/operator/loans/<id:loan_id>/log")
@approvals.output(document(OperatorLog))
@approvals.doc(**operation("listActs", "loan_unknown"))
def get_operator_log(loan_id: str) -> Response:
    """What staff did to a loan: who, why, and the bill before and after."""
    with open_snapshot() as snapshot:
        return rendered(OperatorLog(actions=operator_log_of(snapshot, loan_id)))
