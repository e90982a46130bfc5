"""Auto-debit (自动扣款): on a due date the lender itself orders what is due, in several attempts over the day.

An attempt does nothing once the books have the money. If the channel's callback is lost, the books do not have it, and
the next attempt charges the borrower again: that is how double deductions happen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mocklend.domain.facts import business_date
from mocklend.domain.statuses import LoanStatus, QuoteType
from mocklend.lending.books import reschedule, state_of
from mocklend.lending.repay import order_repayment
from mocklend.sandboxes.ids import batch_position_percent, make_id
from mocklend.seams.about import about_loan
from mocklend.seams.batch_item import AUTO_DEBIT, BatchItem
from mocklend.storage.entities import Loan
from mocklend.storage.work import Answer, Idempotency, Key, Work

CHANNEL = "auto_debit"
HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class AutoDebit:
    """One attempt to debit what is due today."""

    sandbox_id: str
    loan_id: str
    idem: Idempotency | None = None

    def needs(self) -> Iterable[Key]:
        """The loan."""
        return (("loan", self.loan_id),)

    def decide(self, work: Work) -> Answer:
        """200, and the order's id if one was ordered."""
        loan = work.get(Loan, self.loan_id)
        attempt_ms = loan.debit_ms
        if attempt_ms is None or attempt_ms > work.now_ms:
            return Answer(200, {"loan_id": loan.id, "repayment_id": None})
        state = state_of(loan)
        work.put(reschedule(work, loan, state))
        if loan.status not in (LoanStatus.USING, LoanStatus.OVD):
            return Answer(200, {"loan_id": loan.id, "repayment_id": None})
        total = sum(state.quote(QuoteType.OVD_AND_CURRENT, business_date(work.now_ms, work.sandbox.zone)).values())
        if not total:
            return Answer(200, {"loan_id": loan.id, "repayment_id": None})
        keys = (f"auto_debit/{attempt_ms}", f"auto_debit/{attempt_ms}/again")
        first, second = (make_id("rpy", work.sandbox.seed, loan.id, key) for key in keys)
        event = BatchItem(
            **about_loan(work.now_ms, loan, attempt_ms // HOUR_MS),
            batch=AUTO_DEBIT,
            batch_position_percent=batch_position_percent(loan.id),
            amount_minor=total,
            order_id=first,
            duplicate_id=second,
        )
        for key in keys[: work.at(event).runs]:
            order_repayment(
                work,
                loan,
                key=key,
                amount_minor=total,
                channel=CHANNEL,
                scope=QuoteType.OVD_AND_CURRENT,
                debit_ms=attempt_ms,
            )
        return Answer(200, {"loan_id": loan.id, "repayment_id": first})
