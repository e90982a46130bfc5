"""A loan's page is refreshed: what changed it, what it said, and what it should say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from mocklend.domain.finding import Finding
from mocklend.seams.seam import Consequence
from mocklend.seams.signals import shown


@dataclass(frozen=True, slots=True)
class ViewRefresh:
    """A loan has a new version and its status page is refreshed. Honestly: at once (`lag_s` 0)."""

    seam: ClassVar[str] = "view.refresh"
    entity: str  # the loan
    occurrence: int  # the new version
    now_ms: int
    loan_id: str
    borrower_id: str
    reference: str
    channel: str | None  # of the repayment that caused it, where one did
    cause: str  # receipt, edit, reversal, due_date
    currency: str
    before: Mapping[str, Any]  # status, outstanding_minor, version: what the page says now
    after: Mapping[str, Any]  # what it should say
    lag_s: int = 0

    def consequence(self, happened: ViewRefresh) -> Consequence:
        """A page behind the books until the lag is over or a newer version is shown."""
        stake = abs(self.before["outstanding_minor"] - self.after["outstanding_minor"])
        return Consequence(
            finding=Finding("stale_view", self.loan_id, stake),
            loan_id=self.loan_id,
            truth_before=self.before,
            truth_after=self.after,
            served=self.before,
            ends_on={shown(self.loan_id): "superseded"},
            until_ms=self.now_ms + happened.lag_s * 1000,
        )
