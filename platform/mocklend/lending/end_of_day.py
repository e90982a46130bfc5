"""End of day: a due date passes, interest and penalty are posted, the status may change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from msgspec.structs import replace

from mocklend.domain.facts import business_date
from mocklend.domain.replay import LoanState
from mocklend.ledger.journal import Head, post
from mocklend.lending.books import reschedule, state_of, update_projection
from mocklend.sandboxes.ids import batch_position_percent
from mocklend.seams.about import about_loan
from mocklend.seams.batch_item import DUE_DATE, BatchItem
from mocklend.seams.signals import recorded
from mocklend.storage.entities import Loan
from mocklend.storage.work import Answer, Idempotency, Key, Work

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class EndOfDay:
    """The end of day of a loan on the day after a due date. A second run on the same day changes nothing."""

    sandbox_id: str
    loan_id: str
    idem: Idempotency | None = None

    def needs(self) -> Iterable[Key]:
        """The loan."""
        return (("loan", self.loan_id),)

    def decide(self, work: Work) -> Answer:
        """200 and the loan's status."""
        loan = work.get(Loan, self.loan_id)
        if loan.due_ms is None or loan.due_ms > work.now_ms:  # Another process has run it.
            return Answer(200, {"loan_id": loan.id, "status": loan.status, "version": loan.version})
        state = state_of(loan)
        today = business_date(work.now_ms, work.sandbox.zone)
        if state.as_of >= today:
            loan = reschedule(work, loan, state)
            work.put(loan)
        elif _is_processed(work, loan):
            loan = catch_up_to(work, loan, state, today)
        else:
            loan = reschedule(work, replace(loan, missed_ms=work.now_ms), state)
            work.put(loan)
        return Answer(200, {"loan_id": loan.id, "status": loan.status, "version": loan.version})


def catch_up_to(work: Work, loan: Loan, state: LoanState, today: date) -> Loan:
    """Bring a loan up to the day `today`: post what has become due, and update the status."""
    state.roll_forward(today)
    head = post(work, loan.id, loan.currency, Head(loan.next_seq, loan.head_hash), state.movements)
    # End of day closes injections on a status override that the books contradict.
    work.signal(recorded(loan.id))
    return update_projection(work, loan, state, head, cause="due_date").loan


def _is_processed(work: Work, loan: Loan) -> bool:
    """Whether this end of day processes the loan."""
    due_ms = loan.due_ms if loan.due_ms is not None else work.now_ms
    event = BatchItem(
        **about_loan(work.now_ms, loan, due_ms // HOUR_MS),
        batch=DUE_DATE,
        batch_position_percent=batch_position_percent(loan.id),
    )
    return work.at(event).runs > 0
