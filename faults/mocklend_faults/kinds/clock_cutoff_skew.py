"""The clock that dates receipts is ahead, so a payment just before midnight counts on the next day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.receipt_booked import ReceiptBooked
from mocklend_faults.engine.fault import Fault, setting


@dataclass(frozen=True, slots=True)
class CutoffSkew(Fault):
    """The channel's day ends at midnight, the books' day earlier.

    Ada pays at 23:59:58 on the due date, and the channel's record says so. The component that books receipts has
    another clock, a cut-off at ten in the evening, or another time zone, and dates the payment on the next day. The
    instalment is overdue for one day, with a penalty of a few fen; her payment settles the penalty first, so a few fen
    of principal stay unpaid and overdue. The channel's time of payment counts: rebook the repayment on that day.
    """

    name: ClassVar[str] = "clock.cutoff_skew"
    title: ClassVar[str] = "The books' clock runs ahead"
    finding: ClassVar[str] = "misapplied"
    precondition: ClassVar[str] = "A repayment is paid within `skew_s` of the end of its business day."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "overdue by a few fen, although paid in time",
        "list": "the same",
        "instalments": "a penalty for one day",
        "repayment": "`booked_at` on the next day",
        "books": "the receipt on the next day, and a penalty",
        "webhook": "`loan.overdue`",
    }
    heals: ClassVar[str] = "Rebooking it, reversing it, or a payment return."
    action: ClassVar[str] = "The channel's time counts: rebook the receipt on that day, which reverses the penalty."

    skew_s: int = setting(
        7_200, "How many seconds the clock that dates receipts is ahead.", least=1, most=43_200, title="Clock ahead by"
    )

    def receipt_booked(self, event: ReceiptBooked) -> ReceiptBooked:
        """Date the receipt by the clock that is ahead, if that makes it another day."""
        seen_ms = event.booked_ms + self.skew_s * 1000
        return replace(event, booked_ms=seen_ms) if seen_ms >= event.day_ends_ms else event
