"""An operator marks a bill overdue that is not."""

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
    """The collections desk works from yesterday's list.

    Ada pays in the morning and the money is on the books at once. At the desk a clerk goes down the list that was
    printed the evening before, finds her name and sets the bill to OVERDUE; or somebody else edits the bill and takes
    the wrong line of the drop-down. The journal shows no debt, the channel says SUCCESS, the page says overdue, and a
    credit report may follow. The mark contradicts the books, so the mark goes: reverse the edit, post nothing.
    """

    name: ClassVar[str] = "operator.marked_overdue"
    finding: ClassVar[str] = "status_mismatch"
    precondition: ClassVar[str] = "A repayment passes the desk, or a status edit is made; the loan is not overdue."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "OVD",
        "list": "OVD",
        "instalments": "OVD, with nothing overdue",
        "books": "a mark that the balances contradict",
        "webhook": "`loan.edited` of an edit that nobody asked for",
        "console": "an edit that sets OVERDUE",
        "alerts": "`override_contradicts_books`, where monitoring is on",
    }
    heals: ClassVar[str] = "Reversing the edit, or the next fact on the loan's books."
    action: ClassVar[str] = "The mark contradicts the books, so reverse it and post nothing."

    def operator_edit(self, event: OperatorEdit) -> OperatorEdit:
        """The wrong line of the drop-down. On a loan that is overdue by the books it would be the right one."""
        if event.kind != MODIFY_BILL_STATUS or event.books_status == LoanStatus.OVD:
            return event
        return replace(event, status=OVERDUE)

    def repayment_filed(self, event: RepaymentFiled) -> RepaymentFiled:
        """The clerk marks a loan on which a repayment has just come in."""
        if event.books_status == LoanStatus.OVD:
            return event
        return replace(event, override_status=OVERDUE)
