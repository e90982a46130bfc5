"""Rebuilding a status page that is behind the books. The books are right, so nothing is posted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mocklend.lending.books import state_of
from mocklend.lending.operator_log import PAGE_REBUILT, bill_of, log_operator_action
from mocklend.lending.required import require_loan
from mocklend.storage.work import Answer, Idempotency, Key, Work
from mocklend.views.pages import rebuild, right
from mocklend.views.render import loan_doc


@dataclass(frozen=True, slots=True)
class RebuildPage:
    """Rebuild a loan's status page from the books, and show its newest version at once."""

    sandbox_id: str
    idem: Idempotency | None
    loan_id: str
    memo: str
    operator: str

    def needs(self) -> Iterable[Key]:
        """The loan."""
        return (("loan", self.loan_id),)

    def decide(self, work: Work) -> Answer:
        """200 and the status page. Nothing is changed or logged if it is right. Raises Refused `loan_unknown`."""
        loan = require_loan(work, self.loan_id)
        state = state_of(loan)
        if not right(loan, work.now_ms):
            bill = bill_of(loan, state)
            loan = rebuild(work, loan, state)
            work.put(loan)
            about = f"{loan.id}.{loan.version}"
            log_operator_action(
                work, loan, PAGE_REBUILT, about, memo=self.memo, operator=self.operator, before=bill, after=bill
            )
        return Answer(200, loan_doc(loan, state, loan.view_versions[-1].made_ms))
