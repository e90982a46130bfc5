"""Manual entries of a clerk in a legacy back office, which does not check an entry against the books.

Both are ordinary commands: the books have their result, and reversing an edit or a receipt reverses them too. No HTTP
request reaches them: a fault issues them as follow-ups (see `mocklend.seams.follow_ups`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mocklend.channels.second_receipts import number_by_hand, post_again
from mocklend.domain.facts import MODIFY_BILL_STATUS, STATUS_OVERRIDE, Fact, business_date
from mocklend.domain.statuses import SHOWN_FOR_OVERRIDE, EditState
from mocklend.lending.books import post_fact, state_of
from mocklend.lending.operator_log import RECEIPT_POSTED, bill_of, log_operator_action
from mocklend.seams.follow_ups import OverrideStatus, PostReceiptAgain
from mocklend.storage.entities import Loan, OperatorEdit, Repayment
from mocklend.storage.values import StatusOverride
from mocklend.storage.work import Answer, Idempotency, Key, Work
from mocklend.webhooks.outbox import edit_data, emit


@dataclass(frozen=True, slots=True)
class PostReceiptByHand:
    """Post the receipt of a paid order again, from a list on which the order is still open."""

    sandbox_id: str
    asked: PostReceiptAgain
    idem: Idempotency | None = None

    def needs(self) -> Iterable[Key]:
        """The repayment; `decide` loads its loan."""
        return (("repayment", self.asked.repayment_id),)

    def decide(self, work: Work) -> Answer:
        """201 and the id of the receipt. A receipt that was posted by hand before is not posted again."""
        order = work.get(Repayment, self.asked.repayment_id)
        assert order.paid_ms is not None, "only a paid order is posted by hand"
        loan = work.get(Loan, order.loan_id)
        before = after = bill_of(loan, state_of(loan))
        number = number_by_hand(order.id)
        posted = post_again(work, order, number=number, paid_ms=order.paid_ms, typed="by hand")
        if posted is not None:
            loan, after = posted.loan, bill_of(posted.loan, posted.state)
        log_operator_action(
            work,
            loan,
            RECEIPT_POSTED,
            self.asked.receipt_id,
            memo=self.asked.memo,
            operator=self.asked.operator,
            before=before,
            after=after,
        )
        return Answer(201, {"id": self.asked.receipt_id})


@dataclass(frozen=True, slots=True)
class OverrideStatusByHand:
    """Set a loan's status without regard to the status that the books derive."""

    sandbox_id: str
    asked: OverrideStatus
    idem: Idempotency | None = None

    def needs(self) -> Iterable[Key]:
        """The loan."""
        return (("loan", self.asked.loan_id),)

    def decide(self, work: Work) -> Answer:
        """201 and the id of the edit."""
        loan, status = work.get(Loan, self.asked.loan_id), self.asked.status
        outstanding_minor = state_of(loan).outstanding_minor
        edit = OperatorEdit(
            id=self.asked.edit_id,
            loan_id=loan.id,
            n=loan.edits,
            edit_kind=MODIFY_BILL_STATUS,
            amount_minor=None,
            status=status,
            memo=self.asked.memo,
            operator=self.asked.operator,
            approver=None,
            state=EditState.APPLIED,
            before={"status": loan.status, "outstanding_minor": outstanding_minor},
            after={"status": SHOWN_FOR_OVERRIDE[status], "outstanding_minor": outstanding_minor},
            created_ms=work.now_ms,
        )
        work.put(edit)
        on = business_date(work.now_ms, work.sandbox.zone)
        mark = Fact(edit.id, STATUS_OVERRIDE, work.now_ms, on, status=status)
        posted = post_fact(work, loan, mark, cause="edit", override=StatusOverride(edit.id, status))
        emit(work, "loan.edited", loan.id, edit.id, edit_data(edit, posted.loan))
        return Answer(201, {"id": edit.id})
