"""A borrower asks for a quote."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from mocklend.domain.finding import Finding
from mocklend.domain.statuses import EntryStatus
from mocklend.seams.about import about_loan
from mocklend.seams.ada import LOAN, MONDAY_MS
from mocklend.seams.edges import Edge
from mocklend.seams.seam import Consequence, LoanSeam
from mocklend.seams.signals import cleared, ordered_by


@dataclass(frozen=True, slots=True)
class QuoteIssued(LoanSeam):
    """A borrower asks for a quote. Honestly its amount is what the books will have on its day.

    That is `total_minor`; `interest_minor` is the part of it that is interest and not overdue, which another rounding
    could change. The same request for the same version of a loan gets the same quote again, right or wrong. The finding
    is `wrong_view` on the quote, until it lapses (`lapses_ms`). Once a repayment was ordered by it, it stays wrong
    until the loan is paid off: what it left out is owed.
    """

    seam: ClassVar[str] = "quote.issued"
    edge: ClassVar[Edge] = Edge.BOOKS_TO_PAGE
    by_request: ClassVar[bool] = True
    entity_is: ClassVar[str] = "the quote"
    occurrence_is: ClassVar[str] = "1: the same request for the same version of a loan has the same quote"
    quote_id: str
    type: str
    date: str
    interest_minor: int
    lapses_ms: int
    total_minor: int = 0

    @classmethod
    def example(cls) -> Self:
        """An honest event."""
        return cls(
            **about_loan(MONDAY_MS, LOAN, 1, "qte_ada"),
            quote_id="qte_ada",
            type="CLEAR",
            date="2026-01-05",
            interest_minor=1_000,
            lapses_ms=MONDAY_MS + 14 * 3600000,
            total_minor=101_000,
        )

    def consequence(self, outcome: QuoteIssued) -> Consequence:
        """Another amount than the books', until the quote lapses or, once it is paid by, the loan is paid off."""
        return Consequence(
            finding=Finding("wrong_view", self.quote_id, abs(outcome.total_minor - self.total_minor)),
            loan_id=self.loan_id,
            truth_before={},
            truth_after={"total_minor": self.total_minor},
            served={"total_minor": outcome.total_minor},
            ends_on={cleared(self.loan_id): EntryStatus.HEALED, ordered_by(self.quote_id): EntryStatus.ACTIVE},
            until_ms=self.lapses_ms,
        )
