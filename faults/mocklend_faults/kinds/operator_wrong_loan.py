"""An operator puts a borrower's money on another loan of hers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.receipt_match import ReceiptMatch
from mocklend_faults.engine.fault import Fault, setting

FIRST, LAST = "first", "last"


@dataclass(frozen=True, slots=True)
class WrongLoan(Fault):
    """A receipt without a reference lies on the desk, and its payer has two loans.

    The slip says which one Ada meant. The clerk opens her file, where both are listed, and takes the other line. The
    amount is right, the name is right, the books balance. Months later the loan that she paid is overdue with penalty,
    and the one that she did not pay is paid in advance. Move the receipt, effective on the day of the slip; pay nothing
    twice.
    """

    name: ClassVar[str] = "operator.wrong_loan"
    finding: ClassVar[str] = "misapplied"
    precondition: ClassVar[str] = (
        "A receipt is matched or moved, and its borrower has another loan that owes something."
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
    heals: ClassVar[str] = "Moving the receipt, or its channel taking the money back."
    action: ClassVar[str] = "Move the receipt to the loan that the slip names, effective on the channel's day."

    line: str = setting(FIRST, "Which of her other loans is taken, in the order of their ids.", options=(FIRST, LAST))

    def receipt_match(self, event: ReceiptMatch) -> ReceiptMatch:
        """Another line of the borrower's file, where there is one."""
        others = [id for id in event.siblings if id != event.loan_id]
        if not others:
            return event
        return replace(event, loan_id=others[0] if self.line == FIRST else others[-1])
