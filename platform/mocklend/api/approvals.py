"""Four eyes: approving and rejecting drafts of edits; the operator log of a loan."""

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
from mocklend.api.pagination import Paged, decode_cursor
from mocklend.api.request_context import open_snapshot, run, sandbox_id
from mocklend.api.responses import answered, rendered
from mocklend.domain.nouns import NextCursor, says
from mocklend.lending.operator_log import OperatorActionDoc, operator_log_of
from mocklend.servicing import ApproveEdit, RejectEdit
from mocklend.servicing.operations import EditDoc, edit_doc
from mocklend.storage.entities import OperatorEdit
from mocklend.validation import Body
from mocklend.views import reads
from mocklend.views.reads import Lists

approvals = APIBlueprint("approvals", __name__)


class Approval(Body):
    """The second person, who approves a draft."""

    approver: Person = Field(description="Who approves: anybody but the operator.")


class EditQuery(Paged):
    """Filters of the list of edits."""

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
    """The edits of all loans. With `state=DRAFT`: the edits that wait for approval."""
    with open_snapshot() as snapshot:
        edits, next_cursor = reads.edits_in(
            snapshot, state=query.state, after=decode_cursor(Lists.EDITS, query.cursor), limit=query.limit
        )
    return rendered(EditPage(edits=[edit_doc(edit) for edit in edits], next_cursor=next_cursor))


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
    """Approve a draft. It is validated again, and posted as of now."""
    return answered(run(ApproveEdit(sandbox_id(), idempotency(), edit_id, approval.approver)))


@approvals.post("/operator/edits/<id:edit_id>/reject")
@approvals.input(Reversal, arg_name="rejection")
@approvals.output(document(EditDoc), status_code=201)
@approvals.doc(**operation("rejectEdit", "edit_unknown", "edit_not_draft", moves_money=True))
def reject_edit(edit_id: str, rejection: Reversal) -> Response:
    """Reject a draft. Its own operator may reject it too."""
    return answered(run(RejectEdit(sandbox_id(), idempotency(), edit_id, rejection.memo, rejection.operator)))


@approvals.get("/operator/loans/<id:loan_id>/log")
@approvals.output(document(OperatorLog))
@approvals.doc(**operation("listActs", "loan_unknown"))
def get_operator_log(loan_id: str) -> Response:
    """The operator log of a loan: each action with its operator, its reason and the bill before and after."""
    with open_snapshot() as snapshot:
        return rendered(OperatorLog(actions=operator_log_of(snapshot, loan_id)))
