"""The platform reads the reference that the payer of a push payment typed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mocklend.domain.finding import Finding
from mocklend.domain.statuses import EntryStatus
from mocklend.seams.seam import Consequence
from mocklend.seams.signals import applied


@dataclass(frozen=True, slots=True)
class PaymentReference:
    """The platform reads what the payer of a push payment typed. Honestly: just that.

    `typed_reference` is what the payer wrote, `reference` what arrives. Where the one names a loan and the other does
    not, the money is booked as unapplied.
    """

    seam: ClassVar[str] = "payment.reference"
    entity: str  # the receipt
    occurrence: int  # 1: a payment is read once
    now_ms: int
    loan_id: str
    receipt_id: str
    channel: str
    amount_minor: int
    currency: str
    payer_name: str
    typed_reference: str
    reference: str = ""

    def consequence(self, happened: PaymentReference) -> Consequence:
        """Money on the books that belongs to a loan and is on none, until it is matched."""
        truth = {"loan_id": self.loan_id, "reference": self.typed_reference}
        return Consequence(
            finding=Finding("unidentified", self.receipt_id, self.amount_minor),
            loan_id=self.loan_id,
            truth_before=truth,
            truth_after=truth,
            served={"reference": happened.reference},
            ends_on={applied(self.receipt_id): EntryStatus.HEALED},
        )
