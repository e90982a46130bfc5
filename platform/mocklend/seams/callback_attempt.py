"""A channel tries to deliver a callback to the platform."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from mocklend.domain.facts import RETURN_PREFIX
from mocklend.domain.finding import Finding
from mocklend.domain.statuses import EntryStatus, TradeState
from mocklend.seams.about import about_payment
from mocklend.seams.ada import MONDAY_MS, REPAYMENT
from mocklend.seams.edges import Edge
from mocklend.seams.outcome import BadOutcome
from mocklend.seams.seam import Consequence, PaymentSeam
from mocklend.seams.signals import applied, landed

LOST_FOR_GOOD = 1_000
"""More attempts than any retry schedule has."""
WRONG_KEY, WRONG_AMOUNT, OLD_TIMESTAMP = "wrong_key", "wrong_amount", "old_timestamp"
ALTERATIONS = (WRONG_KEY, WRONG_AMOUNT, OLD_TIMESTAMP)
"""What may be wrong with a callback that arrives: another key, another amount, or a timestamp an hour old."""


@dataclass(frozen=True, slots=True)
class CallbackAttempt(PaymentSeam):
    """A channel is about to deliver a callback to the platform. Honestly it arrives and is applied.

    With `lost_attempts` n, this attempt and the next n-1 are lost in transit; the channel sees a time-out each time and
    continues its retry schedule. That is decided once: an attempt that is already lost does not come to this seam. With
    `altered` (`wrong_key`, `wrong_amount`, `old_timestamp`) it arrives in a form that the inbox refuses, and the
    channel tries again. With `discarded` the handler answers 200 and drops it, so that no retry comes. A lost attempt
    is neither altered nor discarded.

    The finding is `missing_in_books` on the repayment; if the books have the money already (`in_books`), nothing shows.
    """

    seam: ClassVar[str] = "callback.attempt"
    edge: ClassVar[Edge] = Edge.CHANNEL_TO_BOOKS
    entity_is: ClassVar[str] = "the repayment"
    occurrence_is: ClassVar[str] = "the attempt, from 1"
    repayment_id: str
    callback_id: str
    payer_reference: str | None
    attempts_left: int  # of the retry schedule, this one included
    in_books: bool  # whether the books have the money already, from an order query
    lost_attempts: int = 0
    altered: str | None = None
    discarded: bool = False

    @classmethod
    def example(cls) -> Self:
        """An honest event."""
        return cls(
            **about_payment(MONDAY_MS, REPAYMENT, "rpy_ada"),
            repayment_id="rpy_ada",
            callback_id="cb_ada",
            payer_reference=None,
            attempts_left=9,
            in_books=False,
        )

    def validate(self, outcome: CallbackAttempt) -> None:
        """Require a known alteration. Raises BadOutcome."""
        if outcome.altered is not None and outcome.altered not in ALTERATIONS:
            raise BadOutcome("altered", f"one of {', '.join(ALTERATIONS)}", outcome.altered)

    def consequence(self, outcome: CallbackAttempt) -> Consequence:
        """Money at the channel that the books lack, until a later attempt or an order query posts it.

        For a payment return, it is money on the books that the channel lacks.
        """
        late = self.repayment_id.startswith(RETURN_PREFIX)
        missing = "missing_in_channel" if late else "missing_in_books"
        truth = {"channel_state": TradeState.SUCCESS, "amount_minor": self.amount_minor}
        return Consequence(
            finding=Finding(missing, self.repayment_id.removeprefix(RETURN_PREFIX), self.amount_minor),
            loan_id=self.loan_id,
            truth_before=truth,
            truth_after=truth,
            served=outcome.served(),
            ends_on={applied(self.repayment_id): EntryStatus.HEALED, landed(self.repayment_id): EntryStatus.SUPERSEDED},
            withstood="the books have the money already" if self.in_books else None,
        )

    def served(self) -> dict[str, str | int | bool]:
        """Return what the channel sees of the attempt."""
        if self.lost_attempts:
            return {"callback": "lost", "attempts": min(self.lost_attempts, self.attempts_left)}
        if self.altered is not None:
            return {"callback": "refused", "altered": self.altered}
        return {"callback": "acked", "applied": not self.discarded}
