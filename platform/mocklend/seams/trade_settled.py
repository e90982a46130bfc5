"""A channel has received the money of a trade."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from mocklend.domain.facts import RETURN_PREFIX
from mocklend.domain.finding import Finding
from mocklend.domain.statuses import EntryStatus, TradeState
from mocklend.seams.about import about_payment
from mocklend.seams.ada import MONDAY_MS, REPAYMENT
from mocklend.seams.edges import Edge
from mocklend.seams.seam import Consequence, PaymentSeam
from mocklend.seams.signals import applied, told


@dataclass(frozen=True, slots=True)
class TradeSettled(PaymentSeam):
    """A channel has received the money of a trade. Honestly it keeps it (`fails_after_s` null).

    With `fails_after_s` its bank returns the payment after that time. A channel that `tells` sends another callback,
    and the books follow. If it does not, only an order query or the statement shows the return: the books have money
    that is gone, and the finding is `missing_in_channel` on the repayment. So it is if that callback is lost.
    """

    seam: ClassVar[str] = "trade.settled"
    edge: ClassVar[Edge] = Edge.WORLD_TO_CHANNEL
    entity_is: ClassVar[str] = "the repayment, or the receipt of a push payment"
    occurrence_is: ClassVar[str] = "1: a trade is settled once"
    repayment_id: str
    payer_reference: str | None
    fails_after_s: int | None = None
    tells: bool = True

    @classmethod
    def example(cls) -> Self:
        """An honest event."""
        return cls(
            **about_payment(MONDAY_MS, REPAYMENT, "rpy_ada"),
            repayment_id="rpy_ada",
            payer_reference=None,
        )

    def consequence(self, outcome: TradeSettled) -> Consequence:
        """Money on the books that the channel has returned, until the return is posted."""
        fails_ms = self.now_ms + (outcome.fails_after_s or 0) * 1000
        failure = RETURN_PREFIX + self.repayment_id
        return Consequence(
            finding=Finding("missing_in_channel", self.repayment_id, self.amount_minor),
            loan_id=self.loan_id,
            truth_before={"channel_state": TradeState.SUCCESS},
            truth_after={"channel_state": TradeState.RETURNED, "amount_minor": self.amount_minor},
            served={"callback": "none"},
            ends_on={applied(failure): EntryStatus.HEALED, told(failure): EntryStatus.SUPERSEDED},
            from_ms=fails_ms,
            withstood="the channel says so itself, and the books follow" if outcome.tells else None,
        )
