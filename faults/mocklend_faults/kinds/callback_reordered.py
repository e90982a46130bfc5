"""An event from before the payment arrives after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.domain.statuses import RepaymentStatus, TradeState
from mocklend.seams.callback_taken import CallbackTaken
from mocklend_faults.engine.fault import Fault, setting

CHECKS, BELIEVES = "checks", "believes"


@dataclass(frozen=True, slots=True)
class CallbackReordered(Fault):
    """An event was held back in a queue, and arrives behind a newer one.

    The channel had given the order up, then the money came in after all: CLOSED first, SUCCESS second. On the way they
    change places. An inbox that looks at an event's time, or knows that a final state does not go back, refuses the
    older one. One that takes whatever comes last for the newest takes the good repayment off the loan again, by a
    reversal in good form, and a settled loan is open. The channel's record still says SUCCESS: ask it.
    """

    name: ClassVar[str] = "callback.reordered"
    finding: ClassVar[str] = "missing_in_books"
    precondition: ClassVar[str] = (
        "A repayment succeeds by its callback; with `inbox` `checks` the platform withstands it."
    )
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "open again",
        "list": "open again",
        "instalments": "unpaid",
        "books": "the receipt, and a reversal of it that nobody decided",
        "repayment": "F, though the channel says SUCCESS",
        "webhook": "repayment.failed after repayment.succeeded",
        "alerts": "a paid order, taken for closed",
    }
    heals: ClassVar[str] = "An order query, which reverses the reversal."
    action: ClassVar[str] = "A final state does not go back: ask the channel, and take back the reversal."

    inbox: str = setting(
        CHECKS, "Whether the inbox checks what is older, or believes whatever comes last.", options=(CHECKS, BELIEVES)
    )

    def callback_taken(self, event: CallbackTaken) -> CallbackTaken:
        """The older event arrives. What staff have reversed meanwhile is not there to be taken back."""
        if event.order_status != RepaymentStatus.SUCCEEDED:
            return event
        return replace(event, older_event=TradeState.CLOSED, believed=event.believed or self.inbox == BELIEVES)
