"""The channel's callback arrives late, after several lost attempts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.callback_attempt import CallbackAttempt
from mocklend_faults.engine.fault import Fault, setting


@dataclass(frozen=True, slots=True)
class CallbackDelayed(Fault):
    """The borrower has paid, and the receiver of callbacks is down for maintenance.

    The channel retries on its retry schedule, and an attempt succeeds after minutes or hours. Until then the page says
    unpaid although the channel says SUCCESS. A clerk who posts the payment by hand meanwhile, under another number,
    posts it twice. It is only a timing difference: the receipt takes effect on the day on which the channel was paid,
    so no interest is owed for the delay.
    """

    name: ClassVar[str] = "callback.delayed"
    title: ClassVar[str] = "A callback comes late"
    finding: ClassVar[str] = "missing_in_books"
    precondition: ClassVar[str] = "A repayment through a channel."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "unpaid, until the callback arrives",
        "list": "unpaid, until then",
        "instalments": "unpaid, until then",
        "books": "no receipt yet, though the channel says SUCCESS",
        "repayment": "PROCESSING for longer than its channel takes",
        "webhook": "no event of the repayment yet",
    }
    heals: ClassVar[str] = "The attempt that is delivered, or an order query before it."
    action: ClassVar[str] = (
        "Wait for the channel's retry schedule, or query the order; never post it under another number."
    )

    deliver_on_attempt: int = setting(
        3,
        "The attempt that is delivered, counted from 1; the last one if the retry schedule has fewer.",
        least=2,
        most=100,
        title="Delivered on attempt",
    )

    def callback_attempt(self, event: CallbackAttempt) -> CallbackAttempt:
        """Lose all attempts before that one, but never the last attempt of the retry schedule."""
        lost = min(self.deliver_on_attempt - event.occurrence, event.attempts_left - 1)
        return replace(event, lost_attempts=max(event.lost_attempts, lost))
