"""The same callback arrives again; or it comes under a new trade number, and is taken for new money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.callback_taken import COPIES_MAX, CallbackTaken
from mocklend_faults.engine.fault import Fault, setting

NEW, SAME = "new", "same"


@dataclass(frozen=True, slots=True)
class CallbackDuplicated(Fault):
    """Channels deliver at least once, and once in a while that is twice.

    The answer 200 is lost on its way back, or the channel moves to another data centre and sends the day again. An
    inbox that knows its trade numbers says 200 and does nothing. This time the copies carry a number of their own, as
    after a migration they may, and an inbox that goes by the channel's number takes them for another payment of the
    same order: one row on the channel's bill, two receipts on the books, and the loan is overpaid. Hold the receipts
    of an order against the bill, and reverse the one that the channel does not have.
    """

    name: ClassVar[str] = "callback.duplicated"
    finding: ClassVar[str] = "duplicate_in_books"
    precondition: ClassVar[str] = (
        "The callback of an order is taken; with `trade_no` `same` the platform withstands it."
    )
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "paid twice: less is owed, or more is overpaid",
        "list": "the same",
        "instalments": "the second receipt pays what comes next",
        "books": "two receipts for one payment",
        "receipts": "a second receipt that names the order",
        "webhook": "receipt.applied beside repayment.succeeded",
        "alerts": "one order, booked twice",
    }
    heals: ClassVar[str] = "Reversing the second receipt."
    action: ClassVar[str] = "One trade, one receipt: reverse the one that the channel's bill does not have."

    copies: int = setting(1, "How often the callback is sent again.", least=1, most=COPIES_MAX)
    trade_no: str = setting(
        NEW, "Whether the copies carry a new trade number, or the same, which the inbox knows.", options=(NEW, SAME)
    )

    def callback_taken(self, event: CallbackTaken) -> CallbackTaken:
        """The copies follow at once. However many have the new number, it is one second receipt."""
        renamed = event.new_trade_no or self.trade_no == NEW
        return replace(event, copies=min(event.copies + self.copies, COPIES_MAX), new_trade_no=renamed)
