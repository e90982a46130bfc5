"""The platform takes a channel's money for an order onto the books."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mocklend.domain.finding import Finding
from mocklend.domain.statuses import EntryStatus
from mocklend.seams.seam import Consequence
from mocklend.seams.signals import applied, reversed_, taken_back


@dataclass(frozen=True, slots=True)
class ReceiptBooked:
    """A repayment is booked. Honestly: as what was ordered (`scope`), at the moment when the channel was paid.

    `day_ends_ms` is when the business day of the payment ends: a `booked_ms` from there on is another day's.
    """

    seam: ClassVar[str] = "receipt.booked"
    entity: str  # the repayment
    occurrence: int  # the how manieth booking of it
    now_ms: int
    loan_id: str
    borrower_id: str
    repayment_id: str
    channel: str
    amount_minor: int
    currency: str
    day_ends_ms: int
    scope: str = ""
    booked_ms: int = 0

    def consequence(self, happened: ReceiptBooked) -> Consequence:
        """The right amount in the wrong bucket or on the wrong day, until it is booked anew, reversed or taken back."""
        return Consequence(
            finding=Finding("misapplied", self.repayment_id, self.amount_minor),
            loan_id=self.loan_id,
            truth_before={},
            truth_after={"type": self.scope, "paid_ms": self.booked_ms},
            served={"type": happened.scope, "paid_ms": happened.booked_ms},
            ends_on={
                applied(self.repayment_id): EntryStatus.HEALED,
                reversed_(self.repayment_id): EntryStatus.HEALED,
                taken_back(self.repayment_id): EntryStatus.SUPERSEDED,
            },
        )
