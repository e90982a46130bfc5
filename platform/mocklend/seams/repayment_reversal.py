"""An operator reverses a repayment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from mocklend.domain.finding import Finding
from mocklend.domain.statuses import EntryStatus
from mocklend.seams.about import about_loan
from mocklend.seams.ada import LOAN, MONDAY_MS
from mocklend.seams.edges import Edge
from mocklend.seams.seam import Consequence, LoanSeam
from mocklend.seams.signals import reversed_


@dataclass(frozen=True, slots=True)
class RepaymentReversal(LoanSeam):
    """An operator reverses a repayment. Honestly the one that was meant.

    `siblings` are the loan's other repayments that could be reversed, in the order of their ids. The finding is
    `misapplied` on the reversal, which the repayment names as its `reversal_id`.
    """

    seam: ClassVar[str] = "repayment.reversal"
    edge: ClassVar[Edge] = Edge.PEOPLE_TO_BOOKS
    by_request: ClassVar[bool] = True
    entity_is: ClassVar[str] = "the repayment that is meant"
    occurrence_is: ClassVar[str] = "the sequence number of its reversals, from 1"
    reversal_id: str
    operator: str
    amount_minor: int
    siblings: tuple[str, ...]
    repayment_id: str = ""

    @classmethod
    def example(cls) -> Self:
        """An honest event."""
        return cls(
            **about_loan(MONDAY_MS, LOAN, 1, "rpy_twice"),
            reversal_id="rev_ada",
            operator="wang",
            amount_minor=20_000,
            siblings=("rpy_april", "rpy_may"),
            repayment_id="rpy_twice",
        )

    def consequence(self, outcome: RepaymentReversal) -> Consequence:
        """A good repayment that is reversed instead of the bad one, until that reversal is cancelled."""
        return Consequence(
            finding=Finding("misapplied", self.reversal_id, self.amount_minor),
            loan_id=self.loan_id,
            truth_before={},
            truth_after={"reversed": self.repayment_id},
            served={"reversed": outcome.repayment_id},
            ends_on={reversed_(self.reversal_id): EntryStatus.HEALED},
        )
