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
    """Ada pays off her loan early, and the desk files the money under "instalment".

    She asked for the payoff, got a figure and paid it to the cent. Whoever booked it chose the line that is chosen
    forty times a day: what is due is settled, with its whole interest, and the rest reduces principal in advance. The
    interest that a payoff would have spared her stays on the bill, so her loan lives on for a few yuan, and a month
    later they are overdue. Book it anew as the payoff that it was, on the day on which the channel was paid.
    """

    name: ClassVar[str] = "operator.prepay_as_partial"
    finding: ClassVar[str] = "misapplied"
    precondition: ClassVar[str] = "A payoff (CLEAR) is taken onto the books."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "USING, with a rest of the interest",
        "list": "the same",
        "instalments": "instalments that a payoff would have settled",
        "repayment": "`booked_type` INSTALMENT, and less applied",
        "books": "another split of the same receipt",
        "webhook": "no `loan.cleared`",
    }
    heals: ClassVar[str] = "Booking it anew, reversing it, or its channel taking the money back."
    action: ClassVar[str] = "Book the receipt anew as the payoff that was ordered, effective on the channel's day."

    def receipt_booked(self, event: ReceiptBooked) -> ReceiptBooked:
        """The usual line of the form."""
        return replace(event, scope=QuoteType.INSTALMENT) if event.scope == QuoteType.CLEAR else event
