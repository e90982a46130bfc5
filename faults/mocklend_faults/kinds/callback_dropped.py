"""The channel has the money and its message never comes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.callback_attempt import LOST_FOR_GOOD, CallbackAttempt
from mocklend_faults.engine.fault import Fault, setting


@dataclass(frozen=True, slots=True)
class CallbackDropped(Fault):
    """The borrower has paid, the channel says SUCCESS, and its callback is lost on the way.

    A firewall rule, a wrong address, a certificate that ran out on Sunday. The channel sees a time-out and tries again
    along its retry schedule; when that is used up it stops, and it never tells anybody that it stopped. The borrower
    has a receipt, the channel's bill has a row, the books have nothing and the page says unpaid. What helps is to ask
    the channel for the order and post what it says, effective on the day on which the channel was paid.
    """

    name: ClassVar[str] = "callback.dropped"
    finding: ClassVar[str] = "missing_in_books"
    precondition: ClassVar[str] = "A repayment through a channel."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "unpaid",
        "list": "unpaid",
        "instalments": "unpaid",
        "books": "no receipt, though the channel says SUCCESS",
        "repayment": "PROCESSING for ever",
        "webhook": "no word of the repayment",
    }
    heals: ClassVar[str] = "A later attempt of the channel, where one is left; else only an order query."
    action: ClassVar[str] = "Ask the channel by out_trade_no; post what it says with the channel's time."

    attempts_lost: int | None = setting(
        None, "How many attempts are lost, from the first on; null loses them all.", least=1, most=100, nullable=True
    )

    def callback_attempt(self, event: CallbackAttempt) -> CallbackAttempt:
        """The first attempts are lost: all of those that are still to come, or what is left of the number."""
        if self.attempts_lost is None:
            return replace(event, lost_attempts=LOST_FOR_GOOD)
        left = self.attempts_lost - event.occurrence + 1
        return replace(event, lost_attempts=max(event.lost_attempts, left))
