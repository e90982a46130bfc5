"""Money that leaves: a payout is ordered at a channel, and the channel pays after its delay.

Disbursements, refunds and compensations all go this way. Until the channel has paid, the money is in 2001, 2103 or
2104: promised, and not gone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from mocklend.channels.channel import channel_of
from mocklend.domain.facts import COMPENSATION_PAID, DISBURSEMENT, REFUND_PAID, Fact, business_date
from mocklend.lending.books import record
from mocklend.lending.payouts import promise
from mocklend.sandboxes.moments import maybe_rfc3339, rfc3339
from mocklend.seams import recorded
from mocklend.storage.entities import Loan, Payout
from mocklend.storage.work import Answer, Idempotency, Key, Work
from mocklend.world.record import witness

PURPOSES = {"disbursement": DISBURSEMENT, "refund": REFUND_PAID, "compensation": COMPENSATION_PAID}
"""What a payout is for, and the fact that it becomes when the channel has paid."""


def order_payout(work: Work, loan: Loan, *, purpose: str, channel_id: str, amount_minor: int, about: str) -> Payout:
    """Order a payout. `about` makes it one of its kind: the refund, dispute or loan that it is for."""
    channel = channel_of(channel_id)
    return promise(
        work,
        loan,
        purpose=purpose,
        channel_id=channel.id,
        delay_s=channel.settle_delay_s,
        amount_minor=amount_minor,
        about=about,
    )


@dataclass(frozen=True, slots=True)
class SettlePayout:
    """The channel pays, and says so in the same breath."""

    sandbox_id: str
    payout_id: str
    loan_id: str
    idem: Idempotency | None = None

    def needs(self) -> Iterable[Key]:
        """The payout and its loan."""
        return (("payout", self.payout_id), ("loan", self.loan_id))

    def decide(self, work: Work) -> Answer:
        """200 and the payout."""
        payout: Payout = work.get("payout", self.payout_id)
        if payout.due_ms is None:
            return Answer(200, payout_doc(payout))
        paid_ms = payout.due_ms
        payout = replace(payout, state="PAID", paid_ms=paid_ms, due_ms=None)
        work.put(payout)
        loan: Loan = work.get("loan", payout.loan_id)
        on = business_date(paid_ms, work.sandbox.zone)
        fact = Fact(payout.id, PURPOSES[payout.purpose], paid_ms, on, payout.amount_minor, payout.channel)
        witness(work, loan.id, fact)
        work.signal(recorded(loan.id))
        record(work, loan, fact, cause=payout.purpose, channel=payout.channel)
        return Answer(200, payout_doc(payout))


def payout_doc(payout: Payout) -> dict[str, Any]:
    """A payout as JSON."""
    return {
        "id": payout.id,
        "loan_id": payout.loan_id,
        "purpose": payout.purpose,
        "channel": payout.channel,
        "amount_minor": payout.amount_minor,
        "currency": payout.currency,
        "state": payout.state,
        "created_at": rfc3339(payout.created_ms),
        "paid_at": maybe_rfc3339(payout.paid_ms),
    }
