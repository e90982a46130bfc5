"""An order's receipt is posted, and the order leaves the list of open ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from mocklend.domain.finding import Finding
from mocklend.domain.statuses import EntryStatus
from mocklend.seams.about import about_order
from mocklend.seams.ada import LOAN, MONDAY_MS, REPAYMENT
from mocklend.seams.edges import Edge
from mocklend.seams.follow_ups import FollowUp, PostReceiptAgain
from mocklend.seams.seam import Consequence, OrderSeam
from mocklend.seams.signals import reversed_


@dataclass(frozen=True, slots=True)
class OrderPaid(OrderSeam):
    """An order's receipt is posted, and the order leaves the operators' list of open ones. Honestly that is all.

    With `posted_again` a clerk who works from an older list posts it by hand too, as `receipt_id`: `duplicate_in_books`
    on that receipt.
    """

    seam: ClassVar[str] = "order.paid"
    edge: ClassVar[Edge] = Edge.PEOPLE_TO_BOOKS
    entity_is: ClassVar[str] = "the repayment"
    occurrence_is: ClassVar[str] = "1: an order is paid once"
    repayment_id: str
    receipt_id: str
    late_s: int  # since the channel was paid
    posted_again: bool = False

    @classmethod
    def example(cls) -> Self:
        """An honest event."""
        return cls(
            **about_order(MONDAY_MS, LOAN, REPAYMENT),
            repayment_id="rpy_ada",
            receipt_id="rct_ada_by_hand",
            late_s=0,
        )

    def follow_ups(self) -> tuple[FollowUp, ...]:
        """The receipt that the clerk posts by hand."""
        if not self.posted_again:
            return ()
        memo = f"{self.repayment_id} was still open on the list"
        return (PostReceiptAgain(self.repayment_id, self.receipt_id, operator="operations", memo=memo),)

    def consequence(self, outcome: OrderPaid) -> Consequence:
        """A second receipt of money that came once, until it is reversed."""
        return Consequence(
            finding=Finding("duplicate_in_books", self.receipt_id, self.amount_minor),
            loan_id=self.loan_id,
            truth_before={},
            truth_after={"receipts": [self.repayment_id]},
            served={"receipts": [self.repayment_id, self.receipt_id]},
            ends_on={reversed_(self.receipt_id): EntryStatus.HEALED},
        )
