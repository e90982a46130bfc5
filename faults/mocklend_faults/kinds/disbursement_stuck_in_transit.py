"""A loan is granted, and its payout never arrives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.payout_settled import PayoutSettled
from mocklend_faults.engine.fault import Fault


@dataclass(frozen=True, slots=True)
class StuckInTransit(Fault):
    """The loan is granted, the payout is ordered, and the channel never reports its result.

    The channel's core system was being replaced that night; the order is neither paid nor refused. Ada has no money. On
    the books the loan accrues interest from the first day, and a loan in state LENDING is on no work list. Only account
    2001, disbursement in transit, shows it: it should be zero by the next morning. Query the channel; if it will not
    pay, fail the payout, which reverses the interest.
    """

    name: ClassVar[str] = "disbursement.stuck_in_transit"
    title: ClassVar[str] = "A payout is stuck"
    finding: ClassVar[str] = "missing_in_channel"
    precondition: ClassVar[str] = "A loan that is paid out through a channel (`disburse_to`)."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "LENDING permanently",
        "list": "the same",
        "instalments": "interest on money that Ada does not have",
        "books": "the principal in 2001, and no payment from 1002",
        "statement": "no row of the payout",
        "webhook": "no `loan.disbursed`",
        "alerts": "a payout in transit for more than a day",
        "report": "no account in use",
    }
    heals: ClassVar[str] = "A failure of the payout: the loan is FAILED, and its interest reversed."
    action: ClassVar[str] = "Look for a balance of 2001 that is not zero; query the channel, and fail the payout."

    def payout_settled(self, event: PayoutSettled) -> PayoutSettled:
        """Leave a disbursement without a result. Refunds and compensations are not affected."""
        if event.purpose != "disbursement":
            return event
        return replace(event, confirmed=False)
