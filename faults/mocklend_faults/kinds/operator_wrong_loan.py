"""An operator matches a receipt to another loan of the same borrower."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.receipt_match import ReceiptMatch
from mocklend_faults.engine.fault import Fault, setting

FIRST, LAST = "first", "last"


@dataclass(frozen=True, slots=True)
class WrongLoan(Fault):
    """A receipt without a reference has to be matched, and its payer has two loans.

    The slip names the loan that Ada paid. The clerk opens her file, which lists both, and selects the other one. Amount
    and name are right, and the books balance. Months later the loan that she paid is overdue with penalty, and the
    other loan is paid in advance. Move the receipt, effective on the day of the slip; post nothing twice.
    """

    name: ClassVar[str] = "operator.wrong_loan"
    title: ClassVar[str] = "A receipt goes to the wrong loan"
    finding: ClassVar[str] = "misapplied"
    precondition: ClassVar[str] = (
        "A receipt is matched or moved, and its borrower has another loan with an outstanding amount."
    )
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "the paid loan unpaid, and the other one paid in part or in full",
        "list": "the same",
        "instalments": "the same",
        "books": "the receipt on the wrong loan",
        "receipts": "the wrong loan",
        "webhook": "`receipt.applied` on the wrong loan",
        "console": "the match in the other loan's log",
    }
    heals: ClassVar[str] = "Moving the receipt, or a payment return."
    action: ClassVar[str] = "Move the receipt to the loan that the slip names, effective on the channel's day."

    line: str = setting(
        FIRST,
        "Which of the other loans is selected, in the order of ids.",
        options=(FIRST, LAST),
        title="Which other loan",
    )

    def receipt_match(self, event: ReceiptMatch) -> ReceiptMatch:
        """Match the receipt to another loan of the borrower, if there is one."""
        others = [id for id in event.siblings if id != event.loan_id]
        if not others:
            return event
        return replace(event, loan_id=others[0] if self.line == FIRST else others[-1])
