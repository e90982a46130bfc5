"""The channel has the money, and its callback never arrives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.callback_attempt import LOST_FOR_GOOD, CallbackAttempt
from mocklend_faults.engine.fault import Fault, setting


@dataclass(frozen=True, slots=True)
class CallbackDropped(Fault):
    """The borrower has paid, the channel says SUCCESS, and its callback is lost on the way.

    The cause is a firewall rule, a wrong URL or an expired certificate. The channel sees time-outs and retries on its
    retry schedule; at its end it stops, and informs nobody. The borrower has a receipt and the channel's statement has
    a row, but the payment is not on the books and the page says unpaid. Query the order at the channel and post the
    result, effective on the day on which the channel was paid.
    """

    name: ClassVar[str] = "callback.dropped"
    title: ClassVar[str] = "A callback is lost"
    finding: ClassVar[str] = "missing_in_books"
    precondition: ClassVar[str] = "A repayment through a channel."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "unpaid",
        "list": "unpaid",
        "instalments": "unpaid",
        "books": "no receipt, though the channel says SUCCESS",
        "repayment": "PROCESSING permanently",
        "webhook": "no event of the repayment",
    }
    heals: ClassVar[str] = "A later attempt of the channel, if one is left; else only an order query."
    action: ClassVar[str] = "Query the channel by out_trade_no; post the payment with the channel's time."

    attempts_lost: int | None = setting(
        None, "How many attempts are lost, from the first on; null means all.", least=1, most=100, nullable=True
    )

    def callback_attempt(self, event: CallbackAttempt) -> CallbackAttempt:
        """Lose the first attempts, up to the number of the setting, or all of them."""
        if self.attempts_lost is None:
            return replace(event, lost_attempts=LOST_FOR_GOOD)
        left = self.attempts_lost - event.occurrence + 1
        return replace(event, lost_attempts=max(event.lost_attempts, left))
