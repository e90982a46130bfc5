"""A borrower asks what a repayment would have to be, and is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mocklend.domain.finding import Finding
from mocklend.domain.statuses import EntryStatus
from mocklend.seams.seam import Consequence
from mocklend.seams.signals import cleared, ordered_by


@dataclass(frozen=True, slots=True)
class QuoteIssued:
    """A quote is issued. Honestly it asks for what the books will ask for on its day (`total_minor`).

    `interest_minor` is what of it is interest that is not overdue, and all that another rounding could be about. From
    `lapses_ms` on nobody can pay by the quote.
    """

    seam: ClassVar[str] = "quote.issued"
    entity: str  # the quote
    occurrence: int  # 1: the same question about the same version of a loan has the same quote
    now_ms: int
    loan_id: str
    borrower_id: str
    quote_id: str
    type: str
    date: str
    interest_minor: int
    lapses_ms: int
    currency: str
    total_minor: int = 0

    def consequence(self, happened: QuoteIssued) -> Consequence:
        """Another amount than the books': until the quote lapses or, once it is paid by, until the loan is paid off."""
        return Consequence(
            finding=Finding("wrong_view", self.quote_id, abs(happened.total_minor - self.total_minor)),
            loan_id=self.loan_id,
            truth_before={},
            truth_after={"total_minor": self.total_minor},
            served={"total_minor": happened.total_minor},
            ends_on={cleared(self.loan_id): EntryStatus.HEALED, ordered_by(self.quote_id): EntryStatus.ACTIVE},
            until_ms=self.lapses_ms,
        )
