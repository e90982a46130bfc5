"""Ordering a payout: agreed money, which a channel will pay after its delay."""

from __future__ import annotations

from mocklend.domain.statuses import PayoutState
from mocklend.sandboxes.ids import make_id
from mocklend.storage.entities import Loan, Payout
from mocklend.storage.work import Work


def create_payout(
    work: Work, loan: Loan, *, purpose: str, channel_id: str, delay_s: int, amount_minor: int, about: str
) -> Payout:
    """Put a payout that falls due `delay_s` seconds from now. `about` is the id of its subject, unique per purpose."""
    payout = Payout(
        id=make_id("out", work.sandbox.seed, purpose, about),
        loan_id=loan.id,
        purpose=purpose,
        channel=channel_id,
        amount_minor=amount_minor,
        currency=loan.currency,
        state=PayoutState.ORDERED,
        created_ms=work.now_ms,
        paid_ms=None,
        due_ms=work.now_ms + delay_s * 1000,
    )
    work.put(payout)
    return payout
