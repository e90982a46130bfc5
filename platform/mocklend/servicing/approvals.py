"""Four eyes: a second person approves a draft, which posts it to the books, or rejects it.

An edit that was posted without the approval it needed can be approved afterwards: that is only logged.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from msgspec.structs import replace

from mocklend.domain.problems import Refused
from mocklend.domain.statuses import EditState
from mocklend.lending.books import state_of
from mocklend.lending.operator_log import EDIT_APPROVED, EDIT_REJECTED, bill_of, log_operator_action
from mocklend.lending.required import require_loan
from mocklend.seams.signals import approved
from mocklend.servicing.operations import (
    WRITE_OFF,
    apply,
    edit_doc,
    refuse_same_person,
    require_edit,
    validate,
)
from mocklend.storage.entities import OperatorEdit
from mocklend.storage.work import Answer, Idempotency, Key, Work


@dataclass(frozen=True, slots=True)
class ApproveEdit:
    """Approve a draft, which posts it as of now if it is still valid; or an edit that was posted without approval."""

    sandbox_id: str
    idem: Idempotency | None
    edit_id: str
    approver: str

    def needs(self) -> Iterable[Key]:
        """The draft; `decide` loads its loan."""
        return (("edit", self.edit_id),)

    def decide(self, work: Work) -> Answer:
        """201 and the edit, APPLIED. Raises Refused `edit_unknown`, `edit_not_draft`, `four_eyes`, or as `validate`."""
        edit = require_edit(work, self.edit_id)
        if edit.state == EditState.APPLIED and edit.to_approve_minor is not None and edit.approver is None:
            return Answer(201, edit_doc(self._approve_afterwards(work, edit)))
        edit = _require_draft(work, self.edit_id)
        refuse_same_person(edit, self.approver)
        if edit.edit_kind == WRITE_OFF:
            edit = replace(edit, amount_minor=None)  # `validate` fills in what is outstanding now.
        loan = require_loan(work, edit.loan_id)
        validated = validate(work, loan, replace(edit, approver=self.approver))
        return Answer(201, edit_doc(apply(work, loan, validated, EDIT_APPROVED)))

    def _approve_afterwards(self, work: Work, edit: OperatorEdit) -> OperatorEdit:
        refuse_same_person(edit, self.approver)
        loan, edit = require_loan(work, edit.loan_id), replace(edit, approver=self.approver)
        bill = bill_of(loan, state_of(loan))
        work.put(edit)
        work.signal(approved(edit.id))
        log_operator_action(
            work, loan, EDIT_APPROVED, edit.id, memo=edit.memo, operator=edit.operator, approver=edit.approver,
            before=bill, after=bill,
        )  # fmt: skip
        return edit


@dataclass(frozen=True, slots=True)
class RejectEdit:
    """Reject a draft. The operator who requested it may do so too."""

    sandbox_id: str
    idem: Idempotency | None
    edit_id: str
    memo: str
    operator: str

    def needs(self) -> Iterable[Key]:
        """The draft; `decide` loads its loan."""
        return (("edit", self.edit_id),)

    def decide(self, work: Work) -> Answer:
        """201 and the edit, REJECTED. Raises Refused `edit_unknown`, `edit_not_draft`."""
        edit = replace(_require_draft(work, self.edit_id), state=EditState.REJECTED)
        loan, bill = require_loan(work, edit.loan_id), edit.before
        work.put(edit)
        log_operator_action(
            work, loan, EDIT_REJECTED, edit.id, memo=self.memo, operator=self.operator, before=bill, after=bill
        )
        return Answer(201, edit_doc(edit))


def _require_draft(work: Work, edit_id: str) -> OperatorEdit:
    edit = require_edit(work, edit_id)
    if edit.state != EditState.DRAFT:
        raise Refused(
            "edit_not_draft",
            f"the edit is {edit.state}",
            expected=EditState.DRAFT,
            received=edit.state,
            edit_id=edit.id,
        )
    return edit
