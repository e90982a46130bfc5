"""An early settlement is booked as an ordinary repayment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.domain.statuses import QuoteType
from mocklend.seams.receipt_booked import ReceiptBooked
from mocklend_faults.engine.fault import Fault


@dataclass(frozen=True, slots=True)
class PrepayAsPartial(Fault):
    """Ada pays off her loan early, and an operator books the payment as an ordinary instalment.

    She requested a payoff quote and paid exactly that amount. The operator selected the usual type of repayment: what
    is due is settled, with its whole interest, and the rest reduces the principal in advance. The interest that a
    payoff would have saved stays on the bill, so a few yuan stay outstanding, and a month later they are overdue.
    Rebook the repayment as the payoff that was ordered, on the day on which the channel was paid.
    """

    name: ClassVar[str] = "operator.prepay_as_partial"
    title: ClassVar[str] = "A payoff is booked as an instalment"
    finding: ClassVar[str] = "misapplied"
    precondition: ClassVar[str] = "A payoff (CLEAR) is posted."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "USING, with a part of the interest outstanding",
        "list": "the same",
        "instalments": "instalments that a payoff would have settled",
        "repayment": "`booked_type` INSTALMENT, and less applied",
        "books": "another allocation of the same receipt",
        "webhook": "no `loan.cleared`",
    }
    heals: ClassVar[str] = "Rebooking it, reversing it, or a payment return."
    action: ClassVar[str] = "Rebook the receipt as the payoff that was ordered, effective on the channel's day."

    def receipt_booked(self, event: ReceiptBooked) -> ReceiptBooked:
        """Book a payoff as an instalment."""
        return replace(event, scope=QuoteType.INSTALMENT) if event.scope == QuoteType.CLEAR else event
