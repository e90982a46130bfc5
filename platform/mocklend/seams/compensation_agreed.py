"""A compensation was agreed with a borrower, and is to be posted and paid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mocklend.domain.finding import Finding
from mocklend.domain.statuses import EntryStatus
from mocklend.seams.seam import Consequence
from mocklend.seams.signals import posted


@dataclass(frozen=True, slots=True)
class CompensationAgreed:
    """The desk has promised money for harm. Honestly: it is posted (5004 to 2104) and its payout ordered."""

    seam: ClassVar[str] = "compensation.agreed"
    entity: str  # the compensation
    occurrence: int  # 1: it is agreed once
    now_ms: int
    loan_id: str
    dispute_id: str
    compensation_id: str
    amount_minor: int
    currency: str
    posted: bool = True

    def consequence(self, happened: CompensationAgreed) -> Consequence:
        """A promise that the books do not know, until it is posted after all."""
        truth = {"compensation_minor": self.amount_minor}
        return Consequence(
            finding=Finding("missing_in_books", self.compensation_id, self.amount_minor),
            loan_id=self.loan_id,
            truth_before={},
            truth_after=truth,
            served={"posted": False},
            ends_on={posted(self.compensation_id): EntryStatus.HEALED},
        )
