"""A channel is about to pay money out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mocklend.domain.finding import Finding
from mocklend.domain.statuses import EntryStatus, PayoutState
from mocklend.seams.seam import Consequence
from mocklend.seams.signals import closed


@dataclass(frozen=True, slots=True)
class PayoutSettled:
    """A payout's delay is over. Honestly: the channel has paid, and says so in the same breath (`confirmed`).

    Otherwise it neither pays nor fails: the payout stays ORDERED, and nothing will ever happen to it by itself.
    """

    seam: ClassVar[str] = "payout.settled"
    entity: str  # the payout
    occurrence: int  # 1: it is due once
    now_ms: int
    loan_id: str
    payout_id: str
    purpose: str  # disbursement, refund, compensation
    channel: str
    amount_minor: int
    currency: str
    confirmed: bool = True

    def consequence(self, happened: PayoutSettled) -> Consequence:
        """Money that the books have promised and the channel has not paid, until it says that it will not."""
        return Consequence(
            finding=Finding("missing_in_channel", self.payout_id, self.amount_minor),
            loan_id=self.loan_id,
            truth_before={},
            truth_after={"paid_minor": 0},
            served={"state": PayoutState.ORDERED, "amount_minor": self.amount_minor},
            ends_on={closed(self.payout_id): EntryStatus.HEALED},
        )
