"""The books' clock for receipts runs ahead, so a late payment counts on the next day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.receipt_booked import ReceiptBooked
from mocklend_faults.engine.fault import Fault, setting


@dataclass(frozen=True, slots=True)
class CutoffSkew(Fault):
    """The channel's day ends at midnight, the books' day a little before.

    Ada pays at 23:59:58 on the due date, and the channel's record says so. The component that books receipts has a
    clock of its own, or a cut-off at ten in the evening, or counts in another zone: for it this is tomorrow. The
    instalment is overdue for one night, its penalty is a few fen, her payment covers the penalty first, and so a few
    fen of principal stay open and overdue. What counts is when the channel was paid: book it anew on that day.
    """

    name: ClassVar[str] = "clock.cutoff_skew"
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
    heals: ClassVar[str] = "Booking it anew, reversing it, or its channel taking the money back."
    action: ClassVar[str] = "The channel's moment decides: book the receipt anew on its day, which undoes the penalty."

    skew_s: int = setting(7_200, "How far the books' clock for receipts runs ahead.", least=1, most=43_200)

    def receipt_booked(self, event: ReceiptBooked) -> ReceiptBooked:
        """Another moment, where that makes it another day."""
        seen_ms = event.booked_ms + self.skew_s * 1000
        return replace(event, booked_ms=seen_ms) if seen_ms >= event.day_ends_ms else event
