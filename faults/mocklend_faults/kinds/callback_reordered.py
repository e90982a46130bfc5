"""An older callback of an order arrives after a newer one."""

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
    """A callback is delayed in a queue, and arrives after a newer one.

    The channel had closed the order, and then the payment came in after all: CLOSED first, SUCCESS second. The two
    callbacks change places. An inbox that compares their times, or knows that SUCCESS is final, refuses the older one.
    An inbox that takes the last arrival for the newest reverses the repayment, and a settled loan is open again. The
    channel's record still says SUCCESS: query it.
    """

    name: ClassVar[str] = "callback.reordered"
    title: ClassVar[str] = "Out of order"
    finding: ClassVar[str] = "missing_in_books"
    precondition: ClassVar[str] = (
        "A repayment succeeds by its callback. With `inbox` `checks` the platform withstands it."
    )
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "open again",
        "list": "open again",
        "instalments": "unpaid",
        "books": "the receipt, and a reversal of it that nobody ordered",
        "repayment": "F, though the channel says SUCCESS",
        "webhook": "repayment.failed after repayment.succeeded",
        "alerts": "a paid order that counts as closed",
    }
    heals: ClassVar[str] = "An order query, which undoes the reversal."
    action: ClassVar[str] = "SUCCESS is final: query the channel, and undo the reversal."

    inbox: str = setting(
        CHECKS,
        "Whether the inbox checks which callback is older, or believes the last one.",
        options=(CHECKS, BELIEVES),
        title="What the inbox does",
    )

    def callback_taken(self, event: CallbackTaken) -> CallbackTaken:
        """Send the older callback. A repayment that staff have reversed meanwhile cannot fail again."""
        if event.order_status != RepaymentStatus.SUCCEEDED:
            return event
        return replace(event, older_event=TradeState.CLOSED, believed=event.believed or self.inbox == BELIEVES)
