"""A payoff quote rounds interest day by day, the books round it over the period: a few fen stay unpaid."""

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

    Ada requests a payoff quote and pays exactly that amount, in time. One system has rounded each day's interest and
    the other the whole period's, so a fen or two stay unpaid. The loan does not become CLEAR, stays on her credit
    report, and is overdue on its last due date, over an amount too small to transfer. Quote and books are both right by
    their own rounding. The amount must not be collected: write it off, with a reason.
    """

    name: ClassVar[str] = "amount.rounding_drift"
    title: ClassVar[str] = "A quote is a few fen short"
    finding: ClassVar[str] = "wrong_view"
    precondition: ClassVar[str] = "A quote of type CLEAR with at least `drift_minor` of interest that is not overdue."
    symptom: ClassVar[Mapping[str, str]] = {
        "quote": "`drift_minor` less than pays the loan off",
        "page": "USING, with `drift_minor` outstanding, although the quote was paid",
        "list": "the same",
        "instalments": "the last one not CLEAR",
        "repayment": "S, as type CLEAR, with the quote's amount",
        "books": "`drift_minor` receivable",
        "channel": "the quoted amount",
        "statement": "the same",
        "webhook": "no `loan.cleared`",
        "report": "an open account",
    }
    heals: ClassVar[str] = "The end of the quote's day if it is unpaid; else paying the loan off, or a write-off."
    action: ClassVar[str] = "Write off the rest that the quote left out; never collect it."

    drift_minor: int = setting(
        1, "The interest that the quote leaves out, in minor units.", least=1, most=3, title="Interest left out"
    )

    def quote_issued(self, event: QuoteIssued) -> QuoteIssued:
        """Lower the total of a payoff quote. Other quotes are followed by a bill that includes the rest."""
        if event.type != QuoteType.CLEAR or event.interest_minor < self.drift_minor:
            return event
        return replace(event, total_minor=event.total_minor - self.drift_minor)
