"""A waiver is reversed, and the status page still shows the loan with the waiver."""

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
    """An operator reverses a waiver, and the code of that screen does not refresh the status page.

    A fee of 12.00 was waived as goodwill, and with that the loan was CLEAR. The complaint turns out to be another
    borrower's, the waiver is reversed, and the fee is on the books again. The page is not refreshed: it says CLEAR, the
    borrower sees nothing to pay, and a month later there is a penalty. The books are right; rebuild the page, and
    inform the borrower before anything falls due.
    """

    name: ClassVar[str] = "operator.waiver_cancelled"
    title: ClassVar[str] = "A waiver is withdrawn, the page stays"
    finding: ClassVar[str] = "stale_view"
    precondition: ClassVar[str] = "A waiver is reversed, which increases the outstanding amount."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "the status and the amount before the reversal of the waiver",
        "list": "the same",
        "instalments": "the plan with the waiver",
    }
    heals: ClassVar[str] = "Not by itself; the next version that is shown, or rebuilding the page."
    action: ClassVar[str] = "Rebuild the page from the books, and post nothing."

    def view_refresh(self, event: ViewRefresh) -> ViewRefresh:
        """Do not refresh the page after a waiver's reversal. After other reversals it is refreshed."""
        if event.reverses not in WAIVERS:
            return event
        if event.after["outstanding_minor"] <= event.before["outstanding_minor"]:
            return event
        return replace(event, lost=True)
