"""Operator edits: relative amounts on a bill, and its status. The world has what was meant, the books what was done."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from mocklend.domain.effects import least_edit
from mocklend.domain.facts import (
    EDIT,
    MARK,
    MODIFY_BILL_AMOUNT,
    MODIFY_BILL_OVERDUE_AMOUNT,
    MODIFY_BILL_STATUS,
    REVERSAL,
    Fact,
    business_date,
)
from mocklend.domain.money import MAX_MINOR
from mocklend.domain.problems import Refused
from mocklend.domain.replay import LoanState
from mocklend.lending.books import mark_of, moment_for, record, state_of
from mocklend.sandboxes.ids import make_id
from mocklend.sandboxes.moments import rfc3339
from mocklend.seams import OperatorEdit as EditSeam
from mocklend.seams import recorded, reversed_
from mocklend.storage.entities import Loan, OperatorEdit
from mocklend.storage.work import Answer, Idempotency, Key, Work
from mocklend.views.render import SHOWN_FOR_MARK, marked
from mocklend.views.webhooks import emit
from mocklend.world.record import witness

AMOUNT_KINDS = (MODIFY_BILL_AMOUNT, MODIFY_BILL_OVERDUE_AMOUNT)
KINDS = (*AMOUNT_KINDS, MODIFY_BILL_STATUS)


@dataclass(frozen=True, slots=True)
class Edit:
    """An operator changes a bill. `amount_minor` is relative, for the amount kinds; `status` is for the status kind."""

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
        """201 and the edit, as it went on the books."""
        loan: Loan | None = work.get("loan", self.loan_id)
        if loan is None:
            raise Refused("loan_unknown", f"no loan {self.loan_id}", loan_id=self.loan_id)
        today = business_date(work.now_ms, work.sandbox.zone)
        state = state_of(loan)
        state.accrue(today)
        least = 0
        if self.kind in AMOUNT_KINDS:
            least = least_edit(state, self.kind)
            self._refuse_amount(loan, least)
        else:
            self._refuse_mark(loan)

        assert self.idem is not None, "an edit moves money and needs an idempotency key"
        loan = replace(loan, edits=loan.edits + 1)
        given = EditSeam(
            entity=loan.id,
            occurrence=loan.edits,
            now_ms=work.now_ms,
            loan_id=loan.id,
            borrower_id=loan.borrower_id,
            edit_id=make_id("edt", work.sandbox.seed, loan.id, self.idem.key),
            operator=self.operator,
            kind=self.kind,
            currency=loan.currency,
            books_status=loan.status,
            least_minor=least,
            amount_minor=self.amount_minor,
            status=self.status,
        )
        work.signal(recorded(loan.id))
        happened = work.act(given)
        return Answer(201, edit_doc(self._carry_out(work, loan, given, happened, state)))

    def _refuse_amount(self, loan: Loan, least: int) -> None:
        if loan.status not in ("USING", "OVD"):
            raise Refused(
                "loan_not_active",
                f"the loan is {loan.status}",
                expected="USING or OVD",
                received=loan.status,
                loan_id=loan.id,
            )
        amount = self.amount_minor or 0
        if amount == 0 or abs(amount) > MAX_MINOR:
            raise Refused(
                "amount_out_of_range",
                "an edit changes the bill by some amount",
                expected=f"{-MAX_MINOR} to {MAX_MINOR}, not 0",
                received=amount,
            )
        if amount < least:
            raise Refused(
                "waiver_too_large",
                "the bill has less of that to waive",
                expected=least,
                received=amount,
                loan_id=loan.id,
            )

    def _refuse_mark(self, loan: Loan) -> None:
        if SHOWN_FOR_MARK[self.status or ""] != loan.status:
            confirming = next((mark for mark, shown in SHOWN_FOR_MARK.items() if shown == loan.status), None)
            raise Refused(
                "mark_contradicts_books",
                f"the books derive {loan.status}",
                expected=confirming,
                received=self.status,
                loan_id=loan.id,
            )

    def _carry_out(self, work: Work, loan: Loan, given: EditSeam, happened: EditSeam, state: LoanState) -> OperatorEdit:
        at_ms = moment_for(work, state, given.edit_id)
        on = business_date(at_ms, work.sandbox.zone)
        before = {"status": marked(loan) or loan.status, "outstanding_minor": state.outstanding_minor}
        if self.kind == MODIFY_BILL_STATUS:
            meant = Fact(given.edit_id, MARK, at_ms, on, status=self.status)
            done = replace(meant, status=happened.status)
            pins = SHOWN_FOR_MARK[happened.status or ""] != loan.status
            mark = mark_of(given.edit_id, happened.status or "") if pins else None
        else:
            meant = Fact(given.edit_id, EDIT, at_ms, on, self.amount_minor or 0, edit_kind=self.kind)
            done, mark = replace(meant, amount_minor=happened.amount_minor or 0), None
        assert done.amount_minor or done.status, "a fault must leave an edit well-formed"
        assert done.amount_minor >= given.least_minor, "a fault must leave an edit well-formed"
        witness(work, loan.id, meant)
        after = record(work, loan, done, cause="edit", mark=mark)
        edit = OperatorEdit(
            id=given.edit_id,
            loan_id=loan.id,
            n=loan.edits,
            edit_kind=self.kind,
            amount_minor=happened.amount_minor,
            status=happened.status,
            memo=self.memo,
            operator=self.operator,
            approver=self.approver,
            state="APPLIED",
            before=json.dumps(before),
            after=json.dumps(
                {
                    "status": marked(after.loan) or after.loan.status,
                    # A mark moves nothing: it is told on the basis of `before`, with interest up to today.
                    "outstanding_minor": (state if done.kind == MARK else after.state).outstanding_minor,
                }
            ),
            created_ms=work.now_ms,
        )
        work.put(edit)
        emit(work, "loan.edited", loan.id, edit.id, {"loan_id": loan.id, "edit_id": edit.id, "kind": self.kind})
        return edit


@dataclass(frozen=True, slots=True)
class ReverseEdit:
    """Take an edit back. It then counts as never made."""

    sandbox_id: str
    idem: Idempotency | None
    edit_id: str
    memo: str
    operator: str

    def needs(self) -> Iterable[Key]:
        """The edit; its loan follows."""
        return (("edit", self.edit_id),)

    def decide(self, work: Work) -> Answer:
        """201 and the edit, REVERSED."""
        edit: OperatorEdit | None = work.get("edit", self.edit_id)
        if edit is None:
            raise Refused("edit_unknown", f"no edit {self.edit_id}", edit_id=self.edit_id)
        if edit.state == "REVERSED":
            raise Refused("edit_already_reversed", f"edit {edit.id} is reversed", edit_id=edit.id)
        reverse_fact(work, edit.loan_id, edit.id)
        edit = replace(edit, state="REVERSED")
        work.put(edit)
        emit(work, "loan.edited", edit.loan_id, f"{edit.id}.reversed", {"loan_id": edit.loan_id, "edit_id": edit.id})
        return Answer(201, edit_doc(edit))


def reverse_fact(work: Work, loan_id: str, fact_id: str) -> None:
    """Reverse a repayment or edit, on the books and as the operator's intent."""
    loan: Loan = work.get("loan", loan_id)
    on = business_date(work.now_ms, work.sandbox.zone)
    fact = Fact(make_id("rev", work.sandbox.seed, fact_id), REVERSAL, work.now_ms, on, reverses=fact_id)
    witness(work, loan_id, fact)
    work.signal(reversed_(fact_id), recorded(loan_id))
    record(work, loan, fact, cause="reversal")


def edit_doc(edit: OperatorEdit) -> dict[str, Any]:
    """An edit as JSON."""
    return {
        "id": edit.id,
        "loan_id": edit.loan_id,
        "kind": edit.edit_kind,
        "amount_minor": edit.amount_minor,
        "status": edit.status,
        "memo": edit.memo,
        "operator": edit.operator,
        "approver": edit.approver,
        "state": edit.state,
        "before": json.loads(edit.before),
        "after": json.loads(edit.after),
        "created_at": rfc3339(edit.created_ms),
    }
