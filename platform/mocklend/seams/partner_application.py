"""Somebody applies to a partner lender, which looks at its copy of the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mocklend.domain.finding import Finding
from mocklend.domain.statuses import EntryStatus
from mocklend.seams.seam import Consequence
from mocklend.seams.signals import applied_for


@dataclass(frozen=True, slots=True)
class PartnerApplication:
    """A copy that is too old, or that the borrower asks to have renewed. Honestly: it is pulled anew (`pulled`).

    Reached only where there is an old copy that should no longer be used.
    """

    seam: ClassVar[str] = "partner.application"
    entity: str  # the partner's copy of the borrower's report
    occurrence: int  # the how manieth application of the borrower with this partner
    now_ms: int
    borrower_id: str
    partner: str
    application_id: str
    product: str
    amount_minor: int
    currency: str
    copy_id: str
    copy_pulled_ms: int
    copy_score: str
    score: str
    pulled: bool = True

    def consequence(self, happened: PartnerApplication) -> Consequence:
        """A decision by a copy that should have been renewed, until the partner decides by another one."""
        return Consequence(
            finding=Finding("stale_view", self.application_id, 0),
            loan_id="",
            truth_before={"score": self.copy_score},
            truth_after={"score": self.score},
            served={"score": self.copy_score, "copy_pulled_ms": self.copy_pulled_ms},
            ends_on={applied_for(self.copy_id): EntryStatus.SUPERSEDED},
        )
