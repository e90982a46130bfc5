"""A later fact makes the books derive another status than one that was set by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from mocklend.domain.finding import Finding
from mocklend.domain.statuses import EntryStatus
from mocklend.seams.about import about_loan
from mocklend.seams.ada import LOAN, MONDAY_MS
from mocklend.seams.edges import Edge
from mocklend.seams.seam import Consequence, LoanSeam
from mocklend.seams.signals import recorded, reversed_


@dataclass(frozen=True, slots=True)
class OverrideOutdated(LoanSeam):
    """A status was set by hand, and something later (`cause`) makes the books derive another one: a payment, a due
    date, a reversal.

    Honestly the override is `dropped`. Otherwise it stays, and the finding is `status_mismatch` on the loan.
    `override_status` is the loan status that the override shows, `books_status` the status that the books derive from
    here on. An override that agrees with the books, or whose edit is reversed, does not come to this seam.
    """

    seam: ClassVar[str] = "override.outdated"
    edge: ClassVar[Edge] = Edge.PEOPLE_TO_BOOKS
    entity_is: ClassVar[str] = "the loan"
    occurrence_is: ClassVar[str] = "the loan's version"
    edit_id: str
    cause: str
    channel: str | None
    override_status: str
    books_status: str
    dropped: bool = True

    @classmethod
    def example(cls) -> Self:
        """An honest event."""
        return cls(
            **about_loan(MONDAY_MS, LOAN, 4),
            edit_id="edt_ada",
            cause="receipt",
            channel="wallet",
            override_status="OVD",
            books_status="USING",
        )

    def consequence(self, outcome: OverrideOutdated) -> Consequence:
        """A status on the page that the books do not derive, until the edit is reversed or a newer fact is posted."""
        return Consequence(
            finding=Finding("status_mismatch", self.loan_id, 0),
            loan_id=self.loan_id,
            truth_before={"status": self.override_status},
            truth_after={"status": self.books_status},
            served={"status": self.override_status},
            ends_on={reversed_(self.edit_id): EntryStatus.HEALED, recorded(self.loan_id): EntryStatus.SUPERSEDED},
        )
