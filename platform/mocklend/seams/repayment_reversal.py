"""An operator reverses a repayment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mocklend.domain.finding import Finding
from mocklend.domain.statuses import EntryStatus
from mocklend.seams.seam import Consequence
from mocklend.seams.signals import reversed_


@dataclass(frozen=True, slots=True)
class RepaymentReversal:
    """An operator reverses a repayment. Honestly: the one that was meant.

    `siblings` are the loan's other repayments that could be reversed, in the order of their ids.
    """

    seam: ClassVar[str] = "repayment.reversal"
    entity: str  # the repayment that is meant
    occurrence: int  # the how manieth reversal of it
    now_ms: int
    loan_id: str
    borrower_id: str
    reversal_id: str
    operator: str
    amount_minor: int
    currency: str
    siblings: tuple[str, ...]
    repayment_id: str = ""

    def consequence(self, happened: RepaymentReversal) -> Consequence:
        """A good repayment taken back instead of the bad one, until that reversal is taken back itself."""
        return Consequence(
            finding=Finding("misapplied", self.reversal_id, self.amount_minor),
            loan_id=self.loan_id,
            truth_before={},
            truth_after={"reversed": self.repayment_id},
            served={"reversed": happened.repayment_id},
            ends_on={reversed_(self.reversal_id): EntryStatus.HEALED},
        )
