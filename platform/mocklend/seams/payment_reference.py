"""The platform reads the reference that the payer of a push payment typed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from mocklend.domain.finding import Finding
from mocklend.domain.statuses import EntryStatus
from mocklend.seams.ada import MONDAY_MS
from mocklend.seams.edges import Edge
from mocklend.seams.seam import Consequence, PaymentSeam
from mocklend.seams.signals import applied


@dataclass(frozen=True, slots=True)
class PaymentReference(PaymentSeam):
    """The platform reads the reference that the payer of a push payment typed, to find the loan. Honestly it reads
    exactly that.

    `typed_reference` is what the payer typed, `reference` what arrives. If that names no loan, the money is booked as
    unapplied, and the finding is `unidentified` on the receipt. Only payments that name a loan come to this seam.
    """

    seam: ClassVar[str] = "payment.reference"
    edge: ClassVar[Edge] = Edge.CHANNEL_TO_BOOKS
    entity_is: ClassVar[str] = "the receipt"
    occurrence_is: ClassVar[str] = "1: a payment is read once"
    receipt_id: str
    payer_name: str
    typed_reference: str
    reference: str = ""

    @classmethod
    def example(cls) -> Self:
        """An honest event."""
        return cls(
            entity="rct_ada",
            occurrence=1,
            now_ms=MONDAY_MS,
            loan_id="loan_ada",
            receipt_id="rct_ada",
            channel="bill_pay",
            amount_minor=100_000,
            currency="CNY",
            payer_name="Ada",
            typed_reference="loan_ada",
            reference="loan_ada",
        )

    def consequence(self, outcome: PaymentReference) -> Consequence:
        """Money that belongs to a loan and is booked on none, until it is matched."""
        truth = {"loan_id": self.loan_id, "reference": self.typed_reference}
        return Consequence(
            finding=Finding("unidentified", self.receipt_id, self.amount_minor),
            loan_id=self.loan_id,
            truth_before=truth,
            truth_after=truth,
            served={"reference": outcome.reference},
            ends_on={applied(self.receipt_id): EntryStatus.HEALED},
        )
