"""A payoff quote is rounded day by day, and the books round over the period: a few fen are left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.domain.statuses import QuoteType
from mocklend.seams.quote_issued import QuoteIssued
from mocklend_faults.engine.fault import Fault, setting


@dataclass(frozen=True, slots=True)
class RoundingDrift(Fault):
    """The quote comes from one system and the bill from another, and each rounds interest in its own way.

    Ada asks what would pay her loan off, and pays that to the fen, in time. One system has rounded each day's interest
    and the other the whole period's, so the loan is short by a fen or two. It never becomes CLEAR, stays on her credit
    report, and on its last due date it is overdue, over what nobody would transfer. She has the quote and the receipt,
    and the books are right as well. Nobody is to collect that: write it off, as a posting with a reason.
    """

    name: ClassVar[str] = "amount.rounding_drift"
    finding: ClassVar[str] = "wrong_view"
    precondition: ClassVar[str] = "A quote of type CLEAR with at least `drift_minor` of interest that is not overdue."
    symptom: ClassVar[Mapping[str, str]] = {
        "quote": "`drift_minor` less than pays the loan off",
        "page": "USING, with `drift_minor` outstanding, although the quote was paid",
        "list": "the same",
        "instalments": "the last one not CLEAR",
        "repayment": "S, as type CLEAR, with the quote's amount",
        "books": "`drift_minor` receivable",
        "channel": "what was quoted",
        "statement": "the same",
        "webhook": "no `loan.cleared`",
        "report": "an open account",
    }
    heals: ClassVar[str] = "Its day's end if nobody pays by it; else paying the loan off, or writing off what is left."
    action: ClassVar[str] = "Write off what the quote left out; never collect it."

    drift_minor: int = setting(1, "How much interest the other rounding loses, in minor units.", least=1, most=3)

    def quote_issued(self, event: QuoteIssued) -> QuoteIssued:
        """Only a payoff has no next bill in which the rest could hide."""
        if event.type != QuoteType.CLEAR or event.interest_minor < self.drift_minor:
            return event
        return replace(event, total_minor=event.total_minor - self.drift_minor)
