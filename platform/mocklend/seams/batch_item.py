"""The end-of-day batch, or the day's debits, handles a loan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from mocklend.domain.facts import RETURN_PREFIX
from mocklend.domain.finding import Finding
from mocklend.domain.statuses import EntryStatus
from mocklend.seams.about import about_loan
from mocklend.seams.ada import LOAN, MONDAY_MS
from mocklend.seams.edges import Edge
from mocklend.seams.seam import Consequence, LoanSeam
from mocklend.seams.signals import applied, recorded, reversed_

DUE_DATE, AUTO_DEBIT = "due_date", "auto_debit"


@dataclass(frozen=True, slots=True)
class BatchItem(LoanSeam):
    """A batch handles a loan: the end-of-day batch after a due date (`due_date`), or a debit of what is due
    (`auto_debit`).

    `runs` says how often: honestly once. A loan that the end-of-day batch skips (0) is `left_behind`; twice has the
    same effect as once. A debit that is ordered twice (2), as `order_id` and `duplicate_id`, is `duplicate_in_channel`
    on one of its two orders. `batch_position_percent` is the loan's position in the batch.
    """

    seam: ClassVar[str] = "batch.item"
    edge: ClassVar[Edge] = Edge.END_OF_DAY_TO_BOOKS
    entity_is: ClassVar[str] = "the loan"
    occurrence_is: ClassVar[str] = "the hour of the batch, counted from 1970"
    batch: str
    batch_position_percent: int  # the loan's position in the batch, 0 to 99; derived from the loan's id
    amount_minor: int = 0
    order_id: str = ""
    duplicate_id: str = ""
    runs: int = 1

    @classmethod
    def example(cls) -> Self:
        """An honest event."""
        return cls(
            **about_loan(MONDAY_MS, LOAN, 490000),
            batch=DUE_DATE,
            batch_position_percent=50,
        )

    def consequence(self, outcome: BatchItem) -> Consequence:
        """A loan that is left behind until a fact is posted on it, or a borrower who pays twice."""
        if self.batch == DUE_DATE:
            finding = Finding("left_behind", self.loan_id, 0)
            ends_on = {recorded(self.loan_id): EntryStatus.HEALED}
        else:
            orders = (self.order_id, self.duplicate_id)
            # The two orders are equivalent; the finding is on the one with the greater id.
            finding = Finding("duplicate_in_channel", max(orders), self.amount_minor)
            undone = [*(reversed_(id) for id in orders), *(applied(RETURN_PREFIX + id) for id in orders)]
            ends_on = dict.fromkeys(undone, EntryStatus.HEALED)
        return Consequence(
            finding=finding,
            loan_id=self.loan_id,
            truth_before={},
            truth_after={"runs": 1},
            served={"runs": outcome.runs},
            ends_on=ends_on,
        )
