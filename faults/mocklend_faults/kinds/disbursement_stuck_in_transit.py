"""A loan is granted, and its payout never arrives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.payout_settled import PayoutSettled
from mocklend_faults.engine.fault import Fault


@dataclass(frozen=True, slots=True)
class StuckInTransit(Fault):
    """The loan was granted, the transfer was ordered, and the channel never said what became of it.

    Its core system was being switched over that night; the order is there, neither paid nor refused. Ada has no
    money. The books have had a loan since the evening, so interest grows on it from the first day, and a loan that is
    still being paid out is in nobody's list of loans to look at. What remembers it is 2001, disbursement in transit,
    which should be zero by the next morning. Ask the channel; what it will not pay is failed, and the interest goes
    with it.
    """

    name: ClassVar[str] = "disbursement.stuck_in_transit"
    finding: ClassVar[str] = "missing_in_channel"
    precondition: ClassVar[str] = "A loan that is paid out through a channel (`disburse_to`)."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "LENDING for ever",
        "list": "the same",
        "instalments": "interest on money that Ada does not have",
        "books": "the principal in 2001, and nothing that left 1002",
        "statement": "no line of the payout",
        "webhook": "no word that the loan was paid out",
        "alerts": "a payout in transit for more than a day",
        "report": "no account in use",
    }
    heals: ClassVar[str] = "The channel's word that it will not pay: the loan is FAILED, and its interest taken back."
    action: ClassVar[str] = "Look for 2001 that is not zero; ask the channel, and have the payout failed."

    def payout_settled(self, event: PayoutSettled) -> PayoutSettled:
        """It is neither paid nor refused. Money promised back to a borrower goes another way."""
        if event.purpose != "disbursement":
            return event
        return replace(event, confirmed=False)
