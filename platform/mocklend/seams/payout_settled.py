"""A channel is about to pay money out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from mocklend.domain.finding import Finding
from mocklend.domain.statuses import EntryStatus, PayoutState
from mocklend.seams.ada import MONDAY_MS
from mocklend.seams.edges import Edge
from mocklend.seams.seam import Consequence, PaymentSeam
from mocklend.seams.signals import closed


@dataclass(frozen=True, slots=True)
class PayoutSettled(PaymentSeam):
    """A payout's settling delay is over. Honestly its channel has paid, and confirms it (`confirmed`).

    Otherwise the payout stays ORDERED, neither paid nor failed, and nothing will change that by itself. The finding is
    `missing_in_channel` on the payout.
    """

    seam: ClassVar[str] = "payout.settled"
    edge: ClassVar[Edge] = Edge.WORLD_TO_CHANNEL
    entity_is: ClassVar[str] = "the payout"
    occurrence_is: ClassVar[str] = "1: it is due once"
    payout_id: str
    purpose: str  # disbursement, refund, compensation
    confirmed: bool = True

    @classmethod
    def example(cls) -> Self:
        """An honest event."""
        return cls(
            entity="out_ada",
            occurrence=1,
            now_ms=MONDAY_MS,
            loan_id="loan_ada",
            payout_id="out_ada",
            purpose="disbursement",
            channel="bank_transfer",
            amount_minor=100_000,
            currency="CNY",
        )

    def consequence(self, outcome: PayoutSettled) -> Consequence:
        """Money that the books have as a payout and the channel has not paid, until the channel refuses it."""
        return Consequence(
            finding=Finding("missing_in_channel", self.payout_id, self.amount_minor),
            loan_id=self.loan_id,
            truth_before={},
            truth_after={"paid_minor": 0},
            served={"state": PayoutState.ORDERED, "amount_minor": self.amount_minor},
            ends_on={closed(self.payout_id): EntryStatus.HEALED},
        )
