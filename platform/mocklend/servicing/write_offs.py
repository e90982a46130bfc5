"""Write-offs: what is owed becomes a credit loss. Later receipts are recoveries, up to the whole loss."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mocklend.servicing.operations import WRITE_OFF, EditRequest, submit
from mocklend.storage.work import Answer, Idempotency, Key, Work


@dataclass(frozen=True, slots=True)
class WriteOff:
    """Write off all that is outstanding (5002 against the receivables): the loan is OFF.

    Later repayments are recoveries (2102/4003); once they cover the loss the loan is CLEAR.
    """

    sandbox_id: str
    idem: Idempotency | None
    loan_id: str
    memo: str
    operator: str
    approver: str | None = None

    def needs(self) -> Iterable[Key]:
        """The loan."""
        return (("loan", self.loan_id),)

    def decide(self, work: Work) -> Answer:
        """201 and the write-off as an edit; or 202 and a draft."""
        wish = EditRequest(WRITE_OFF, self.memo, self.operator, self.approver)
        return submit(work, self.idem, self.loan_id, wish)
