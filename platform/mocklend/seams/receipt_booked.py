"""The platform posts a channel's money for an order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from mocklend.domain.finding import Finding
from mocklend.domain.statuses import EntryStatus
from mocklend.seams.about import about_order
from mocklend.seams.ada import LOAN, MONDAY_MS, REPAYMENT
from mocklend.seams.edges import Edge
from mocklend.seams.seam import Consequence, OrderSeam
from mocklend.seams.signals import applied, reversed_, taken_back


@dataclass(frozen=True, slots=True)
class ReceiptBooked(OrderSeam):
    """A repayment is posted. Honestly with the type that was ordered (`scope`), effective when the channel was paid.

    `day_ends_ms` is when the business day of the payment ends: a later `booked_ms` is on another day. The finding is
    `misapplied` on the repayment.
    """

    seam: ClassVar[str] = "receipt.booked"
    edge: ClassVar[Edge] = Edge.CHANNEL_TO_BOOKS
    entity_is: ClassVar[str] = "the repayment"
    occurrence_is: ClassVar[str] = "the sequence number of its bookings, from 1"
    repayment_id: str
    day_ends_ms: int
    scope: str = ""
    booked_ms: int = 0

    @classmethod
    def example(cls) -> Self:
        """An honest event."""
        return cls(
            **about_order(MONDAY_MS, LOAN, REPAYMENT),
            repayment_id="rpy_ada",
            day_ends_ms=MONDAY_MS + 14 * 3600000,
            scope="CLEAR",
            booked_ms=MONDAY_MS,
        )

    def consequence(self, outcome: ReceiptBooked) -> Consequence:
        """The right amount in the wrong bucket or on the wrong day, until it is rebooked, reversed or returned."""
        return Consequence(
            finding=Finding("misapplied", self.repayment_id, self.amount_minor),
            loan_id=self.loan_id,
            truth_before={},
            truth_after={"type": self.scope, "paid_ms": self.booked_ms},
            served={"type": outcome.scope, "paid_ms": outcome.booked_ms},
            ends_on={
                applied(self.repayment_id): EntryStatus.HEALED,
                reversed_(self.repayment_id): EntryStatus.HEALED,
                taken_back(self.repayment_id): EntryStatus.SUPERSEDED,
            },
        )
