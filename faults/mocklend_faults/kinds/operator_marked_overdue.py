"""An operator marks a bill as overdue that is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.domain.facts import MODIFY_BILL_STATUS
from mocklend.domain.statuses import LoanStatus
from mocklend.seams.operator_edit import OperatorEdit
from mocklend.seams.repayment_filed import RepaymentFiled
from mocklend_faults.engine.fault import Fault

OVERDUE = "OVERDUE"


@dataclass(frozen=True, slots=True)
class MarkedOverdue(Fault):
    """The collections team works from yesterday's list.

    Ada pays in the morning, and the payment is posted at once. A clerk works through the list that was printed the
    evening before, finds her name and sets the bill to OVERDUE; or an operator edits the bill and selects the wrong
    status. The journal shows no debt and the channel says SUCCESS, but the page says overdue, and the credit report may
    do so next. The status override contradicts the books: reverse the edit, post nothing.
    """

    name: ClassVar[str] = "operator.marked_overdue"
    title: ClassVar[str] = "A paid bill is marked overdue"
    finding: ClassVar[str] = "status_mismatch"
    precondition: ClassVar[str] = "An operator files a repayment, or makes a status edit; the loan is not overdue."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "OVD",
        "list": "OVD",
        "instalments": "OVD, with nothing overdue",
        "books": "a status override that the balances contradict",
        "webhook": "`loan.edited` of an edit that nobody ordered",
        "console": "an edit that sets OVERDUE",
        "alerts": "`override_contradicts_books`, if monitoring is on",
    }
    heals: ClassVar[str] = "Reversing the edit, or the next fact on the loan."
    action: ClassVar[str] = "The override contradicts the books: reverse the edit and post nothing."

    def operator_edit(self, event: OperatorEdit) -> OperatorEdit:
        """Set OVERDUE in a status edit, unless the loan is overdue on the books."""
        if event.kind != MODIFY_BILL_STATUS or event.books_status == LoanStatus.OVD:
            return event
        return replace(event, status=OVERDUE)

    def repayment_filed(self, event: RepaymentFiled) -> RepaymentFiled:
        """Override the status of a loan on which a repayment was just posted, unless it is overdue on the books."""
        if event.books_status == LoanStatus.OVD:
            return event
        return replace(event, override_status=OVERDUE)
