"""A waiver is taken back, and the page goes on as if it were not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.domain.facts import (
    MODIFY_BILL_AMOUNT,
    MODIFY_BILL_OVERDUE_AMOUNT,
    WAIVE_FEE,
    WAIVE_INTEREST,
    WAIVE_PENALTY,
)
from mocklend.seams.view_refresh import ViewRefresh
from mocklend_faults.engine.fault import Fault

WAIVERS = (WAIVE_FEE, WAIVE_INTEREST, WAIVE_PENALTY, MODIFY_BILL_AMOUNT, MODIFY_BILL_OVERDUE_AMOUNT)
"""An edit of a bill may waive as well: one that asks for more when it is taken back did."""


@dataclass(frozen=True, slots=True)
class WaiverCancelled(Fault):
    """The desk withdraws a waiver, and the screen for it forgets to recompute the status.

    A fee of 12.00 was waived as goodwill and with that the loan was clear. The complaint turns out to be somebody
    else's, the waiver is cancelled, and the journal has the fee again. The page was never told: it says CLEAR, the
    borrower sees nothing to pay, and a month later there is a penalty on it. The books are right; make the page anew
    and tell the borrower before anything falls due.
    """

    name: ClassVar[str] = "operator.waiver_cancelled"
    finding: ClassVar[str] = "stale_view"
    precondition: ClassVar[str] = "A waiver is reversed, so that the books ask for more again."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "the status and the amount from before the waiver was taken back",
        "list": "the same",
        "instalments": "the plan with the waiver in it",
    }
    heals: ClassVar[str] = "Not by itself: the next version that is shown, or the page being rebuilt."
    action: ClassVar[str] = "Recompute the status: rebuild the page from the books, and post nothing."

    def view_refresh(self, event: ViewRefresh) -> ViewRefresh:
        """The page is not made anew. Any other reversal is."""
        if event.reverses not in WAIVERS:
            return event
        if event.after["outstanding_minor"] <= event.before["outstanding_minor"]:
            return event
        return replace(event, lost=True)
