"""A clerk posts a late receipt by hand, although its callback has brought it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.order_paid import OrderPaid
from mocklend_faults.engine.fault import Fault, setting


@dataclass(frozen=True, slots=True)
class DoubleEntry(Fault):
    """An order was open for too long, so it is on the list of those to be posted by hand (补单).

    Ada rings up with her slip in her hand. The clerk takes the morning's list, finds the order open, and types the
    receipt in under a number of the desk's own. In between, the channel's callback came after all and the order had
    left the list on the screen, but not the one on paper. The channel has one payment, the books have two receipts,
    and the borrower is overpaid. The trade number says that they are one: reverse the one by hand.
    """

    name: ClassVar[str] = "operator.double_entry"
    finding: ClassVar[str] = "duplicate_in_books"
    precondition: ClassVar[str] = "An order's receipt reaches the books, `late_s` or more after its channel was paid."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "paid twice: less is owed, or more is overpaid",
        "list": "the same",
        "instalments": "the second receipt pays what comes next",
        "books": "two receipts for one payment",
        "receipts": "a second receipt that names the order",
        "console": "the desk has posted a receipt by hand",
        "webhook": "receipt.applied beside repayment.succeeded",
        "alerts": "one order, booked twice",
    }
    heals: ClassVar[str] = "Reversing the receipt by hand."
    action: ClassVar[str] = "One trade, one receipt: reverse the one that was posted by hand."

    late_s: int = setting(0, "How late a receipt must come for the clerk to post it himself.", most=31 * 86_400)

    def order_paid(self, event: OrderPaid) -> OrderPaid:
        """What came in time was never on the clerk's list."""
        if event.late_s < self.late_s:
            return event
        return replace(event, posted_again=True)
