"""The six edits of a bill, and their reversal. The world has the intended edit, the books the edit as entered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from msgspec.structs import replace

from mocklend.domain.facts import REVERSAL, Fact, business_date
from mocklend.domain.problems import Refused
from mocklend.domain.statuses import EditState
from mocklend.lending.books import LoanAfterFact, post_fact, state_of
from mocklend.lending.operator_log import EDIT_REVERSED, bill_of, log_operator_action
from mocklend.sandboxes.ids import make_id
from mocklend.seams.signals import recorded, reversed_
from mocklend.servicing.operations import EDIT_KINDS, REFUND, EditRequest, edit_doc, require_edit, submit
from mocklend.storage.entities import Loan
from mocklend.storage.work import Answer, Idempotency, Key, Work
from mocklend.webhooks.outbox import edit_data, emit
from mocklend.world.record import record_in_world

KINDS = EDIT_KINDS

__all__ = ["KINDS", "Edit", "ReverseEdit", "edit_doc", "reverse_fact"]


@dataclass(frozen=True, slots=True)
class Edit:
    """An operator changes a bill: kinds with an amount have a relative `amount_minor`, the status kind has `status`."""

    sandbox_id: str
    idem: Idempotency | None
    loan_id: str
    kind: str
    amount_minor: int | None
    status: str | None
    memo: str
    operator: str
    approver: str | None

    def needs(self) -> Iterable[Key]:
        """The loan."""
        return (("loan", self.loan_id),)

    def decide(self, work: Work) -> Answer:
        """201 and the edit as posted; or 202 and a draft."""
        request = EditRequest(
            kind=self.kind,
            memo=self.memo,
            operator=self.operator,
            approver=self.approver,
            amount_minor=self.amount_minor,
            status=self.status,
        )
        return submit(work, self.idem, self.loan_id, request)


@dataclass(frozen=True, slots=True)
class ReverseEdit:
    """Reverse an edit, a waiver, a charge or a write-off. It then has no effect."""

    sandbox_id: str
    idem: Idempotency | None
    edit_id: str
    memo: str
    operator: str

    def needs(self) -> Iterable[Key]:
        """The edit; `decide` loads its loan."""
        return (("edit", self.edit_id),)

    def decide(self, work: Work) -> Answer:
        """201 and the edit, REVERSED. Raises Refused `edit_unknown`, `edit_already_reversed`, `edit_not_applied`,
        `edit_not_reversible`."""
        edit = require_edit(work, self.edit_id)
        if edit.state == EditState.REVERSED:
            raise Refused("edit_already_reversed", f"edit {edit.id} is already reversed", edit_id=edit.id)
        if edit.state != EditState.APPLIED:
            raise Refused(
                "edit_not_applied",
                f"the edit is {edit.state}",
                expected=EditState.APPLIED,
                received=edit.state,
                edit_id=edit.id,
            )
        if edit.edit_kind == REFUND:
            raise Refused("edit_not_reversible", "the money of a refund is on its way to the borrower", edit_id=edit.id)
        loan = work.get(Loan, edit.loan_id)
        before = bill_of(loan, state_of(loan))
        posted = reverse_fact(work, edit.loan_id, edit.id, edit.edit_kind)
        edit = replace(edit, state=EditState.REVERSED)
        work.put(edit)
        log_operator_action(
            work,
            posted.loan,
            EDIT_REVERSED,
            edit.id,
            memo=self.memo,
            operator=self.operator,
            before=before,
            after=bill_of(posted.loan, posted.state),
        )
        emit(work, "loan.edited", edit.loan_id, f"{edit.id}.reversed", edit_data(edit, posted.loan))
        return Answer(201, edit_doc(edit))


def reverse_fact(work: Work, loan_id: str, fact_id: str, target_kind: str) -> LoanAfterFact:
    """Reverse a fact in the world and on the books. `target_kind` is second receipt, edit or reversal."""
    loan = work.get(Loan, loan_id)
    on = business_date(work.now_ms, work.sandbox.zone)
    fact = Fact(make_id("rev", work.sandbox.seed, fact_id), REVERSAL, work.now_ms, on, reverses=fact_id)
    record_in_world(work, loan_id, fact)
    work.signal(reversed_(fact_id), recorded(loan_id))
    return post_fact(work, loan, fact, cause="reversal", reverses=target_kind)
