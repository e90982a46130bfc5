"""What time alone does to a loan: a due date passes, interest and penalty are posted, the status may change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mocklend.domain.facts import business_date
from mocklend.ledger.journal import Head, post
from mocklend.lending.books import keep_due, show, state_of
from mocklend.seams import recorded
from mocklend.storage.entities import Loan
from mocklend.storage.work import Answer, Idempotency, Key, Work


@dataclass(frozen=True, slots=True)
class TouchLoan:
    """The nightly look at a loan on the day after a due date. Doing it twice does nothing."""

    sandbox_id: str
    loan_id: str
    idem: Idempotency | None = None

    def needs(self) -> Iterable[Key]:
        """The loan."""
        return (("loan", self.loan_id),)

    def decide(self, work: Work) -> Answer:
        """200 and the loan's status."""
        loan: Loan = work.get("loan", self.loan_id)
        state = state_of(loan)
        today = business_date(work.now_ms, work.sandbox.zone)
        if state.as_of < today:
            state.touch(today)
            head = post(work, loan.id, loan.currency, Head(loan.next_seq, loan.head_hash), state.movements)
            # The nightly batch writes the status afresh: a mark set by hand does not outlive it.
            work.signal(recorded(loan.id))
            loan = show(work, loan, state, head, cause="due_date")
        else:
            loan = keep_due(work, loan, state)
            work.put(loan)
        return Answer(200, {"loan_id": loan.id, "status": loan.status, "version": loan.version})
