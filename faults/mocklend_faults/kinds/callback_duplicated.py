"""A callback arrives again; with a new trade number it is posted as another payment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.callback_taken import COPIES_MAX, CallbackTaken
from mocklend_faults.engine.fault import Fault, setting

NEW, SAME = "new", "same"


@dataclass(frozen=True, slots=True)
class CallbackDuplicated(Fault):
    """Channels deliver callbacks at least once, and sometimes twice.

    The answer 200 is lost, or the channel moves to another data centre and sends the day's callbacks again. The inbox
    recognises a known trade number, answers 200 and posts nothing. This time the copies have new trade numbers, as can
    happen after a migration, and the inbox takes them for another payment of the same order: one row on the channel's
    statement, two receipts on the books, and the loan is overpaid. Compare the receipts of an order with the statement,
    and reverse the receipt that the channel does not have.
    """

    name: ClassVar[str] = "callback.duplicated"
    title: ClassVar[str] = "A callback comes twice"
    finding: ClassVar[str] = "duplicate_in_books"
    precondition: ClassVar[str] = (
        "The callback of an order is received. With `trade_no` `same` the platform withstands it."
    )
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "paid twice: less outstanding, or more overpaid",
        "list": "the same",
        "instalments": "later instalments paid by the second receipt",
        "books": "two receipts for one payment",
        "receipts": "a second receipt that names the order",
        "webhook": "receipt.applied beside repayment.succeeded",
        "alerts": "an order that was booked twice",
    }
    heals: ClassVar[str] = "Reversing the second receipt."
    action: ClassVar[str] = "One trade, one receipt: reverse the one that the channel's statement does not have."

    copies: int = setting(1, "How many times the callback is sent again.", least=1, most=COPIES_MAX)
    trade_no: str = setting(
        NEW,
        "Whether the copies have a new trade number or the same, which the inbox knows.",
        options=(NEW, SAME),
        title="Trade number of the copies",
    )

    def callback_taken(self, event: CallbackTaken) -> CallbackTaken:
        """Send the copies at once. All copies have the same new number, so they add one receipt."""
        renamed = event.new_trade_no or self.trade_no == NEW
        return replace(event, copies=min(event.copies + self.copies, COPIES_MAX), new_trade_no=renamed)
