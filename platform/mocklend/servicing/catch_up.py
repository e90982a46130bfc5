"""Catching up: staff run the end of day of a loan that the batch has skipped."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mocklend.domain.facts import business_date
from mocklend.lending.books import state_of
from mocklend.lending.end_of_day import catch_up_to
from mocklend.lending.operator_log import LOAN_CAUGHT_UP, bill_of, log_operator_action
from mocklend.lending.required import require_loan
from mocklend.storage.work import Answer, Idempotency, Key, Work


@dataclass(frozen=True, slots=True)
class CatchUp:
    """Run the end of day of a loan that the batch has skipped. Any other loan stays unchanged."""

    sandbox_id: str
    loan_id: str
    memo: str
    operator: str
    idem: Idempotency | None = None

    def needs(self) -> Iterable[Key]:
        """The loan."""
        return (("loan", self.loan_id),)

    def decide(self, work: Work) -> Answer:
        """200 and the loan's status. Raises Refused `loan_unknown`."""
        loan = require_loan(work, self.loan_id)
        missed = loan.missed_ms is not None
        if missed:
            state = state_of(loan)
            before = bill_of(loan, state)
            loan = catch_up_to(work, loan, state, business_date(work.now_ms, work.sandbox.zone))
            after = bill_of(loan, state)
            about = f"{loan.id}.{loan.version}"
            log_operator_action(
                work, loan, LOAN_CAUGHT_UP, about, memo=self.memo, operator=self.operator, before=before, after=after
            )
        return Answer(200, {"loan_id": loan.id, "status": loan.status, "version": loan.version, "caught_up": missed})
