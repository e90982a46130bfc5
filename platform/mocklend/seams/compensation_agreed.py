"""A compensation was agreed with a borrower, and is to be posted and paid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from mocklend.domain.finding import Finding
from mocklend.domain.statuses import EntryStatus
from mocklend.seams.ada import MONDAY_MS
from mocklend.seams.edges import Edge
from mocklend.seams.seam import Consequence, Seam
from mocklend.seams.signals import posted


@dataclass(frozen=True, slots=True)
class CompensationAgreed(Seam):
    """A compensation is agreed with a borrower. Honestly it is posted (5004 to 2104) and its payout ordered.

    `posted` says whether it is posted. If not, the finding is `missing_in_books` on the compensation.
    """

    seam: ClassVar[str] = "compensation.agreed"
    edge: ClassVar[Edge] = Edge.PEOPLE_TO_BOOKS
    by_request: ClassVar[bool] = True
    entity_is: ClassVar[str] = "the compensation"
    occurrence_is: ClassVar[str] = "1: it is agreed once"
    loan_id: str
    dispute_id: str
    compensation_id: str
    amount_minor: int
    posted: bool = True

    @classmethod
    def example(cls) -> Self:
        """An honest event."""
        return cls(
            entity="cmp_ada",
            occurrence=1,
            now_ms=MONDAY_MS,
            loan_id="loan_ada",
            dispute_id="dsp_ada",
            compensation_id="cmp_ada",
            amount_minor=5_000,
            currency="CNY",
        )

    def consequence(self, outcome: CompensationAgreed) -> Consequence:
        """A compensation that is not on the books, until it is posted after all."""
        truth = {"compensation_minor": self.amount_minor}
        return Consequence(
            finding=Finding("missing_in_books", self.compensation_id, self.amount_minor),
            loan_id=self.loan_id,
            truth_before={},
            truth_after=truth,
            served={"posted": False},
            ends_on={posted(self.compensation_id): EntryStatus.HEALED},
        )
