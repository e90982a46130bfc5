"""Payouts: one is ordered at a channel, and the channel pays after its delay.

Disbursements, refunds and compensations are payouts. Until the channel has paid, the money is on account 2001, 2103 or
2104: owed, but not paid.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, TypedDict

from msgspec.structs import replace

from mocklend.documents import rendering
from mocklend.domain.channel import channel_of
from mocklend.domain.facts import COMPENSATION_PAID, DISBURSEMENT, PAYOUT_FAILURE, REFUND_PAID, Fact, business_date
from mocklend.domain.nouns import AmountMinor, ChannelId, CreatedAt, Currency, LoanId, one_of, says
from mocklend.domain.problems import Refused
from mocklend.domain.statuses import PayoutState
from mocklend.lending.books import next_fact_time, post_fact, state_of
from mocklend.lending.payouts import create_payout
from mocklend.seams.about import about_payment
from mocklend.seams.payout_settled import PayoutSettled
from mocklend.seams.signals import closed, recorded
from mocklend.storage.entities import Loan, Payout
from mocklend.storage.work import Answer, Idempotency, Key, Work
from mocklend.webhooks.events import RefundData
from mocklend.webhooks.outbox import emit, loan_data
from mocklend.world.record import record_in_world

PURPOSES = {"disbursement": DISBURSEMENT, "refund": REFUND_PAID, "compensation": COMPENSATION_PAID}
"""By purpose of a payout: the kind of fact once the channel has paid."""


def order_payout(work: Work, loan: Loan, *, purpose: str, channel_id: str, amount_minor: int, about: str) -> Payout:
    """Order a payout. `about` is the id of its refund, dispute or loan."""
    channel = channel_of(channel_id)
    return create_payout(
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
    """The channel pays a payout, and reports it at once."""

    sandbox_id: str
    payout_id: str
    loan_id: str
    idem: Idempotency | None = None

    def needs(self) -> Iterable[Key]:
        """The payout and its loan."""
        return (("payout", self.payout_id), ("loan", self.loan_id))

    def decide(self, work: Work) -> Answer:
        """200 and the payout."""
        payout = work.get(Payout, self.payout_id)
        if payout.due_ms is None:
            return Answer(200, payout_doc(payout))
        paid_ms = payout.due_ms
        if not _confirmed(work, payout):
            payout = replace(payout, due_ms=None)
            work.put(payout)
            return Answer(200, payout_doc(payout))
        payout = replace(payout, state=PayoutState.PAID, paid_ms=paid_ms, due_ms=None)
        work.put(payout)
        loan = work.get(Loan, payout.loan_id)
        on = business_date(paid_ms, work.sandbox.zone)
        fact = Fact(payout.id, PURPOSES[payout.purpose], paid_ms, on, payout.amount_minor, payout.channel)
        record_in_world(work, loan.id, fact)
        work.signal(recorded(loan.id))
        post_fact(work, loan, fact, cause=payout.purpose, channel=payout.channel)
        if payout.purpose == "refund":
            emit(work, "refund.paid", loan.id, payout.id, refund_data(payout))
        return Answer(200, payout_doc(payout))


def _confirmed(work: Work, payout: Payout) -> bool:
    event = PayoutSettled(
        **about_payment(work.now_ms, payout, payout.id),
        payout_id=payout.id,
        purpose=payout.purpose,
    )
    return work.at(event).confirmed


@dataclass(frozen=True, slots=True)
class FailPayout:
    """A disbursement fails finally, and the channel reports it at once: LENDING → FAILED.

    Only a disbursement can fail: there is no rule for a refund or compensation that cannot be paid.
    """

    sandbox_id: str
    idem: Idempotency | None
    channel: str
    payout_id: str

    def needs(self) -> Iterable[Key]:
        """The payout; `decide` loads its loan."""
        return (("payout", self.payout_id),)

    def decide(self, work: Work) -> Answer:
        """202 and the payout, FAILED. Raises Refused `payout_unknown`, `payout_not_failable`."""
        payout = work.find(Payout, self.payout_id)
        if payout is None or payout.channel != self.channel:
            raise Refused("payout_unknown", f"{self.channel} has no such payout", payout_id=self.payout_id)
        if payout.state != PayoutState.ORDERED or payout.purpose != "disbursement":
            raise Refused(
                "payout_not_failable",
                f"the {payout.purpose} is {payout.state}",
                expected="a disbursement, ORDERED",
                received=f"a {payout.purpose}, {payout.state}",
                payout_id=payout.id,
            )
        payout = replace(payout, state=PayoutState.FAILED, due_ms=None)
        work.put(payout)
        loan = work.get(Loan, payout.loan_id)
        # Later than every fact on the books.
        id = "undone_" + payout.id
        at_ms = next_fact_time(work, state_of(loan), id)
        fact = Fact(id, PAYOUT_FAILURE, at_ms, business_date(at_ms, work.sandbox.zone), 0, payout.channel)
        record_in_world(work, loan.id, fact)
        work.signal(closed(payout.id), recorded(loan.id))
        posted = post_fact(work, loan, fact, cause="payout_failure", channel=payout.channel)
        payload = loan_data(posted.loan) | {"payout_id": payout.id}
        emit(work, "loan.payout_failed", loan.id, payout.id, payload)
        return Answer(202, payout_doc(payout))


def refund_data(payout: Payout) -> RefundData:
    """The `data` of a refund's events."""
    return {
        "loan_id": payout.loan_id,
        "payout_id": payout.id,
        "state": payout.state,
        "amount_minor": payout.amount_minor,
    }


class PayoutDoc(TypedDict):
    """A payout: ORDERED, then PAID or FAILED."""

    id: Annotated[str, says("The payout's id.")]
    loan_id: LoanId
    purpose: Annotated[
        str,
        one_of(
            PURPOSES,
            "The purpose: `disbursement` of a loan, `refund` of overpaid money, or `compensation`.",
        ),
    ]
    channel: ChannelId
    amount_minor: AmountMinor
    currency: Currency
    state: Annotated[str, one_of(PayoutState, "ORDERED at the channel, PAID by it, or FAILED finally.")]
    created_at: CreatedAt
    paid_at: Annotated[str | None, says("When the channel paid it; null until then. RFC 3339, on the sandbox's clock.")]


payout_doc = rendering(Payout, PayoutDoc)
