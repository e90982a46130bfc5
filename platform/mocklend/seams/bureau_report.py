"""The lender reports an account to the credit bureau at the end of a day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from mocklend.domain.finding import Finding
from mocklend.domain.statuses import EntryStatus
from mocklend.seams.about import about_loan
from mocklend.seams.ada import DAY_MS, LOAN, MONDAY_MS
from mocklend.seams.edges import Edge
from mocklend.seams.seam import Consequence, LoanSeam
from mocklend.seams.signals import correction_ordered


@dataclass(frozen=True, slots=True)
class BureauReport(LoanSeam):
    """A bureau record is made of an account that has changed, at the end of a day. Honestly it is sent, and published
    by `bound_ms`.

    `lag_s` is how much later than `bound_ms` it is published, and `sent` whether it is sent at all. Files are processed
    in order, so a record never overtakes a late one before it: `bound_ms` includes that. Only a correction can be lost
    without a trace: the bureau would ask for a missing ordinary record. A record that is not sent has no lag. The
    finding is `wrong_bureau`.
    """

    seam: ClassVar[str] = "bureau.report"
    edge: ClassVar[Edge] = Edge.BOOKS_TO_REPORT
    entity_is: ClassVar[str] = "the loan"
    occurrence_is: ClassVar[str] = "the day that is reported, counted from 1970"
    record_id: str
    cause: str  # change, monthly, correction
    before_status: str | None
    status: str
    balance_minor: int
    bound_ms: int
    lag_s: int = 0
    sent: bool = True

    @classmethod
    def example(cls) -> Self:
        """An honest event."""
        return cls(
            **about_loan(MONDAY_MS, LOAN, 20000),
            record_id="bcr_ada_2",
            cause="change",
            before_status="USING",
            status="CLEAR",
            balance_minor=0,
            bound_ms=MONDAY_MS + DAY_MS,
        )

    def consequence(self, outcome: BureauReport) -> Consequence:
        """A report that is behind until the record is published, or wrong until a correction is decided again."""
        truth = {"status": self.status, "balance_minor": self.balance_minor}
        lost = not outcome.sent
        return Consequence(
            finding=Finding("wrong_bureau", self.loan_id if lost else self.record_id, 0),
            loan_id=self.loan_id,
            truth_before={"status": self.before_status},
            truth_after=truth,
            served={"correction": "not sent"} if lost else {"status": self.before_status},
            ends_on={correction_ordered(self.loan_id): EntryStatus.SUPERSEDED} if lost else {},
            from_ms=self.bound_ms,
            until_ms=None if lost else self.bound_ms + outcome.lag_s * 1000,
        )
