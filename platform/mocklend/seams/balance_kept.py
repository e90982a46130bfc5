"""The balance on a loan's status page is updated by a change; it is kept in a store of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from mocklend.domain.finding import Finding
from mocklend.domain.statuses import EntryStatus
from mocklend.seams.about import about_loan
from mocklend.seams.ada import LOAN, MONDAY_MS
from mocklend.seams.edges import Edge
from mocklend.seams.seam import Consequence, LoanSeam
from mocklend.seams.signals import rebuilt


@dataclass(frozen=True, slots=True)
class BalanceKept(LoanSeam):
    """A change updates the balance on a loan's page, which is kept in a store of its own and written behind.

    Honestly the change is added to the balance after the previous change: `flushed_minor` is what the store has on
    disk, without the previous change, `kept_minor` what it has in memory, with it. With `evicted` the memory is lost
    and the new change is added to what is on disk; later changes continue from there, until the page is rebuilt. The
    finding is `wrong_view` on the loan. Only balances that are right so far, and that would not fall below zero, come
    to this seam.
    """

    seam: ClassVar[str] = "balance.kept"
    edge: ClassVar[Edge] = Edge.BOOKS_TO_PAGE
    entity_is: ClassVar[str] = "the loan"
    occurrence_is: ClassVar[str] = "the new version"
    reference: str
    channel: str | None  # of the repayment, if the change is one
    cause: str  # receipt, edit, reversal, due_date
    flushed_minor: int
    kept_minor: int
    balance_minor: int  # the right balance after the change
    evicted: bool = False

    @classmethod
    def example(cls) -> Self:
        """An honest event."""
        return cls(
            **about_loan(MONDAY_MS, LOAN, 3),
            reference="ada-1",
            channel="wallet",
            cause="receipt",
            flushed_minor=100_000,
            kept_minor=95_000,
            balance_minor=89_000,
        )

    @property
    def missing_minor(self) -> int:
        """The previous change, which an evicted balance lacks."""
        return self.kept_minor - self.flushed_minor

    def consequence(self, outcome: BalanceKept) -> Consequence:
        """A balance on the page that lacks a change, until the page is rebuilt from the books."""
        return Consequence(
            finding=Finding("wrong_view", self.loan_id, abs(self.missing_minor)),
            loan_id=self.loan_id,
            truth_before={"outstanding_minor": self.kept_minor},
            truth_after={"outstanding_minor": self.balance_minor},
            served={"outstanding_minor": self.balance_minor - self.missing_minor},
            ends_on={rebuilt(self.loan_id): EntryStatus.HEALED},
        )
