"""The channel's message comes late, at the end of a row of attempts that nobody heard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.callback_attempt import CallbackAttempt
from mocklend_faults.engine.fault import Fault, setting


@dataclass(frozen=True, slots=True)
class CallbackDelayed(Fault):
    """The borrower has paid, and the receiver of callbacks is down for maintenance.

    The channel tries, waits as its table says, tries again, and is heard in the end: after minutes or after most of a
    day. Until then the page says unpaid although the channel says SUCCESS, and whoever posts the money by hand, under
    another number, will have it twice. It is a timing difference. The receipt takes effect on the day on which the
    channel was paid, so nothing is owed for the wait.
    """

    name: ClassVar[str] = "callback.delayed"
    finding: ClassVar[str] = "missing_in_books"
    precondition: ClassVar[str] = "A repayment through a channel."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "unpaid, until the message comes",
        "list": "unpaid, until then",
        "instalments": "unpaid, until then",
        "books": "no receipt yet, though the channel says SUCCESS",
        "repayment": "PROCESSING for longer than its channel takes",
        "webhook": "no word of the repayment yet",
    }
    heals: ClassVar[str] = "The attempt that is delivered, or an order query before it."
    action: ClassVar[str] = (
        "Wait for the channel's retry schedule, or query the order; never post it under another number."
    )

    deliver_on_attempt: int = setting(
        3,
        "The attempt that is heard, counted from 1; the last one where the retry schedule has fewer.",
        least=2,
        most=100,
    )

    def callback_attempt(self, event: CallbackAttempt) -> CallbackAttempt:
        """All attempts before that one are lost; the last of a retry schedule never is."""
        lost = min(self.deliver_on_attempt - event.occurrence, event.attempts_left - 1)
        return replace(event, lost_attempts=max(event.lost_attempts, lost))
