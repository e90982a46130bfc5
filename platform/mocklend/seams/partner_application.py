"""A borrower applies to a partner lender, which uses its copy of the credit report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from mocklend.domain.finding import Finding
from mocklend.domain.statuses import EntryStatus
from mocklend.seams.ada import DAY_MS, MONDAY_MS
from mocklend.seams.edges import Edge
from mocklend.seams.seam import Consequence, Seam
from mocklend.seams.signals import applied_for


@dataclass(frozen=True, slots=True)
class PartnerApplication(Seam):
    """A partner lender's copy of a report is too old, or the borrower asks to have it renewed. Honestly it is pulled
    anew (`pulled`).

    Reached only where there is an old copy that should no longer be used. The finding is `stale_view` on the
    application.
    """

    seam: ClassVar[str] = "partner.application"
    edge: ClassVar[Edge] = Edge.TO_LENDER
    by_request: ClassVar[bool] = True
    entity_is: ClassVar[str] = "the partner's copy of the borrower's report"
    occurrence_is: ClassVar[str] = "the sequence number of the borrower's applications to this partner, from 1"
    borrower_id: str
    partner: str
    application_id: str
    product: str
    amount_minor: int
    copy_id: str
    copy_pulled_ms: int
    copy_score: str
    score: str
    pulled: bool = True

    @classmethod
    def example(cls) -> Self:
        """An honest event."""
        return cls(
            entity="swift-card.brw_ada",
            occurrence=2,
            now_ms=MONDAY_MS,
            borrower_id="brw_ada",
            partner="swift-card",
            application_id="app_ada",
            product="card",
            amount_minor=100_000,
            currency="CNY",
            copy_id="swift-card.brw_ada",
            copy_pulled_ms=MONDAY_MS - DAY_MS,
            copy_score="620",
            score="700",
        )

    def consequence(self, outcome: PartnerApplication) -> Consequence:
        """A decision based on a copy that should have been renewed, until the partner decides by another copy."""
        return Consequence(
            finding=Finding("stale_view", self.application_id, 0),
            loan_id="",
            truth_before={"score": self.copy_score},
            truth_after={"score": self.score},
            served={"score": self.copy_score, "copy_pulled_ms": self.copy_pulled_ms},
            ends_on={applied_for(self.copy_id): EntryStatus.SUPERSEDED},
        )
