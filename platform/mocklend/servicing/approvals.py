"""Four eyes: a second person looks at a draft, and puts it on the books or drops it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace

from mocklend.domain.problems import Refused
from mocklend.lending.acts import EDIT_APPROVED, EDIT_REJECTED, log_act
from mocklend.servicing.desk import (
    DRAFT,
    REJECTED,
    WRITE_OFF,
    allow,
    apply,
    edit_doc,
    known_edit,
    known_loan,
    refuse_same_person,
)
from mocklend.storage.entities import OperatorEdit
from mocklend.storage.work import Answer, Idempotency, Key, Work


@dataclass(frozen=True, slots=True)
class ApproveEdit:
    """Approve a draft. It goes on the books as of now, if the books still take it."""

    sandbox_id: str
    idem: Idempotency | None
    edit_id: str
    approver: str

    def needs(self) -> Iterable[Key]:
        """The draft; its loan follows."""
        return (("edit", self.edit_id),)

    def decide(self, work: Work) -> Answer:
        """201 and the edit, APPLIED."""
        edit = _draft(work, self.edit_id)
        refuse_same_person(edit, self.approver)
        if edit.edit_kind == WRITE_OFF:
            edit = replace(edit, amount_minor=None)  # Whatever is owed by now.
        loan = known_loan(work, edit.loan_id)
        allowed = allow(work, loan, replace(edit, approver=self.approver))
        return Answer(201, edit_doc(apply(work, loan, allowed, EDIT_APPROVED)))


@dataclass(frozen=True, slots=True)
class RejectEdit:
    """Drop a draft. Anybody may, also who asked for it."""

    sandbox_id: str
    idem: Idempotency | None
    edit_id: str
    memo: str
    operator: str

    def needs(self) -> Iterable[Key]:
        """The draft; its loan follows."""
        return (("edit", self.edit_id),)

    def decide(self, work: Work) -> Answer:
        """201 and the edit, REJECTED."""
        edit = replace(_draft(work, self.edit_id), state=REJECTED)
        loan, bill = known_loan(work, edit.loan_id), json.loads(edit.before)
        work.put(edit)
        log_act(work, loan, EDIT_REJECTED, edit.id, memo=self.memo, operator=self.operator, before=bill, after=bill)
        return Answer(201, edit_doc(edit))


def _draft(work: Work, edit_id: str) -> OperatorEdit:
    edit = known_edit(work, edit_id)
    if edit.state != DRAFT:
        raise Refused(
            "edit_not_draft", f"the edit is {edit.state}", expected=DRAFT, received=edit.state, edit_id=edit.id
        )
    return edit
