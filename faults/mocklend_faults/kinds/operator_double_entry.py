"""A clerk posts a late receipt by hand, although its callback has posted it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.order_paid import OrderPaid
from mocklend_faults.engine.fault import Fault, setting


@dataclass(frozen=True, slots=True)
class DoubleEntry(Fault):
    """An order was open for too long, so it is on the list of payments to post by hand (补单).

    Ada calls and reads out her slip. The clerk finds the order on the morning's printed list, and enters the receipt
    under an internal number. Meanwhile the channel's callback has arrived, and the order has left the list on the
    screen, but not the printed one. The channel has one payment, the books have two receipts, and the borrower is
    overpaid. The trade number shows that they are one payment: reverse the receipt that was entered by hand.
    """

    name: ClassVar[str] = "operator.double_entry"
    title: ClassVar[str] = "A payment is entered twice"
    finding: ClassVar[str] = "duplicate_in_books"
    precondition: ClassVar[str] = "An order's receipt reaches the books, `late_s` or more after its channel was paid."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "paid twice: less outstanding, or more overpaid",
        "list": "the same",
        "instalments": "later instalments paid by the second receipt",
        "books": "two receipts for one payment",
        "receipts": "a second receipt that names the order",
        "console": "a receipt that an operator posted by hand",
        "webhook": "receipt.applied beside repayment.succeeded",
        "alerts": "an order that was booked twice",
    }
    heals: ClassVar[str] = "Reversing the receipt that was posted by hand."
    action: ClassVar[str] = "One trade, one receipt: reverse the one that was posted by hand."

    late_s: int = setting(
        0,
        "How many seconds late a receipt must be for a clerk to post it by hand.",
        most=31 * 86_400,
        title="Late by at least",
    )

    def order_paid(self, event: OrderPaid) -> OrderPaid:
        """Post the receipt again, if it was late enough to be on the clerk's list."""
        if event.late_s < self.late_s:
            return event
        return replace(event, posted_again=True)
