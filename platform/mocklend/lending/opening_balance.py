"""What a loan's books begin with besides its principal: honestly nothing.

A fault has something carried over here from a system that is gone. It reaches the books as any entry does, as an edit
with its postings; but no operator decided it, so the world does not know it and no act of the desk tells of it.
"""

from __future__ import annotations

import json

from mocklend.domain.facts import EDIT, MODIFY_BILL_AMOUNT, MODIFY_REVOKE_AMOUNT, Fact, business_date
from mocklend.domain.money import MAX_MINOR
from mocklend.domain.statuses import EditState
from mocklend.lending.books import Recorded, next_fact_time, record
from mocklend.lending.operator_log import bill_of
from mocklend.sandboxes.ids import make_id
from mocklend.seams.about import about_loan
from mocklend.seams.loan_opened import LoanOpened
from mocklend.storage.entities import OperatorEdit
from mocklend.storage.work import Work

MIGRATION = "migration"
"""Who an entry is said to be from that was carried over. No person has this name."""


def post_opening_balance(work: Work, opened: Recorded) -> Recorded:
    """The loan as its books really begin. Only one that is paid out by now has anything to carry over."""
    loan = opened.loan
    if not opened.state.disbursed:
        return opened
    event = LoanOpened(
        **about_loan(work.now_ms, loan, 1),
        reference=loan.reference,
        product_id=loan.product_id,
        edit_id=make_id("edt", work.sandbox.seed, loan.id, MIGRATION),
        principal_minor=loan.principal_minor,
        amount_minor_min=1 - loan.principal_minor,
        amount_minor_max=MAX_MINOR - loan.principal_minor,
    )
    residue = work.at(event).residue_minor
    if not residue:
        return opened
    kind, amount = (MODIFY_BILL_AMOUNT if residue > 0 else MODIFY_REVOKE_AMOUNT), abs(residue)
    at_ms = next_fact_time(work, opened.state, event.edit_id)
    before = bill_of(loan, opened.state)
    fact = Fact(event.edit_id, EDIT, at_ms, business_date(at_ms, work.sandbox.zone), amount, edit_kind=kind)
    begun = record(work, loan, fact, cause="migration")
    work.put(
        OperatorEdit(
            id=event.edit_id,
            loan_id=loan.id,
            n=loan.edits,
            edit_kind=kind,
            amount_minor=amount,
            status=None,
            memo="Opening balance, carried over from the old system",
            operator=MIGRATION,
            approver=None,
            state=EditState.APPLIED,
            before=json.dumps(before),
            after=json.dumps(bill_of(begun.loan, begun.state)),
            created_ms=work.now_ms,
            applied_ms=work.now_ms,
        )
    )
    return begun
