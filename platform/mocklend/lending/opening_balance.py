"""The opening balance of a loan besides its principal: nothing, unless a fault injects one.

A fault can post a residue of an old system here. It reaches the books as any edit does, with its postings; but no
operator decided it, so the world has no such fact and the operator log has no such action.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mocklend.domain.facts import EDIT, MODIFY_BILL_AMOUNT, MODIFY_REVOKE_AMOUNT, Fact, business_date
from mocklend.domain.money import MAX_MINOR
from mocklend.domain.statuses import EditState
from mocklend.lending.books import next_fact_time, post_fact, state_of
from mocklend.lending.operator_log import bill_of
from mocklend.sandboxes.ids import make_id
from mocklend.seams.about import about_loan
from mocklend.seams.follow_ups import CarryResidueOver
from mocklend.seams.loan_opened import LoanOpened
from mocklend.storage.entities import Loan, OperatorEdit
from mocklend.storage.work import Answer, Idempotency, Key, Work

MIGRATION = "migration"
"""The operator that an opening balance names. No person has this name."""


def opening_of(work: Work, loan: Loan) -> LoanOpened:
    """The event of a loan that was just paid out: only such a loan can have an opening balance."""
    return LoanOpened(
        **about_loan(work.now_ms, loan, 1),
        reference=loan.reference,
        product_id=loan.product_id,
        edit_id=make_id("edt", work.sandbox.seed, loan.id, MIGRATION),
        principal_minor=loan.principal_minor,
        amount_minor_min=1 - loan.principal_minor,
        amount_minor_max=MAX_MINOR - loan.principal_minor,
    )


@dataclass(frozen=True, slots=True)
class PostResidue:
    """Post the residue of an old system to a loan's books."""

    sandbox_id: str
    asked: CarryResidueOver
    idem: Idempotency | None = None

    def needs(self) -> Iterable[Key]:
        """The loan."""
        return (("loan", self.asked.loan_id),)

    def decide(self, work: Work) -> Answer:
        """201 and the id of the edit."""
        loan, id, residue = work.get(Loan, self.asked.loan_id), self.asked.edit_id, self.asked.residue_minor
        state = state_of(loan)
        kind, amount = (MODIFY_BILL_AMOUNT if residue > 0 else MODIFY_REVOKE_AMOUNT), abs(residue)
        at_ms = next_fact_time(work, state, id)
        before = bill_of(loan, state)
        fact = Fact(id, EDIT, at_ms, business_date(at_ms, work.sandbox.zone), amount, edit_kind=kind)
        posted = post_fact(work, loan, fact, cause="migration")
        work.put(
            OperatorEdit(
                id=id,
                loan_id=loan.id,
                n=loan.edits,
                edit_kind=kind,
                amount_minor=amount,
                status=None,
                memo="Opening balance, carried over from the old system",
                operator=MIGRATION,
                approver=None,
                state=EditState.APPLIED,
                before=before,
                after=bill_of(posted.loan, posted.state),
                created_ms=work.now_ms,
                applied_ms=work.now_ms,
            )
        )
        return Answer(201, {"id": id})
