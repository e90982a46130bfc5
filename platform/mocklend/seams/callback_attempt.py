"""A channel tries to deliver a callback to the platform."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from mocklend.domain.facts import RETURN_PREFIX
from mocklend.domain.finding import Finding
from mocklend.domain.statuses import EntryStatus, TradeState
from mocklend.seams.about import about_payment
from mocklend.seams.ada import MONDAY_MS, REPAYMENT
from mocklend.seams.outcome import BadOutcome
from mocklend.seams.seam import Consequence, PaymentSeam
from mocklend.seams.signals import applied, landed

LOST_FOR_GOOD = 1_000
"""More attempts than any retry schedule has."""
WRONG_KEY, WRONG_AMOUNT, OLD_TIMESTAMP = "wrong_key", "wrong_amount", "old_timestamp"
ALTERATIONS = (WRONG_KEY, WRONG_AMOUNT, OLD_TIMESTAMP)
"""What may be wrong with a callback that arrives: signed by somebody else, for another amount, or an hour old."""


@dataclass(frozen=True, slots=True)
class CallbackAttempt(PaymentSeam):
    """A channel is about to deliver a callback to the platform. Honestly it arrives and is applied.

    With `lost_attempts` n, this attempt and the next n-1 are lost on the way; the channel sees a time-out each time and
    goes on along its retry schedule. The fate is settled once: an attempt that is lost already is not asked about
    again. With `altered` (`wrong_key`, `wrong_amount`, `old_timestamp`) it arrives as the inbox refuses it, and the
    channel tries again. With `discarded` the handler answers 200 and drops it, so that no retry comes. What is lost is
    not altered, and neither is discarded.

    The finding is `missing_in_books` on the repayment; where the books have the money already (`in_books`), nothing
    shows.
    """

    seam: ClassVar[str] = "callback.attempt"
    entity_is: ClassVar[str] = "the repayment"
    occurrence_is: ClassVar[str] = "the attempt, from 1"
    repayment_id: str
    callback_id: str
    payer_reference: str | None
    attempts_left: int  # on the retry schedule, this one included
    in_books: bool  # whether the books have the money already, by an order query
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
        """What is altered is altered in a way that there is. Raises BadOutcome."""
        if outcome.altered is not None and outcome.altered not in ALTERATIONS:
            raise BadOutcome("altered", f"one of {', '.join(ALTERATIONS)}", outcome.altered)

    def consequence(self, outcome: CallbackAttempt) -> Consequence:
        """Money at the channel that the books lack, until a later attempt or an order query brings it.

        Of money that was taken back, it is the channel that lacks it.
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

    def served(self) -> dict[str, Any]:
        """What the channel sees of it."""
        if self.lost_attempts:
            return {"callback": "lost", "attempts": min(self.lost_attempts, self.attempts_left)}
        if self.altered is not None:
            return {"callback": "refused", "altered": self.altered}
        return {"callback": "acked", "applied": not self.discarded}
