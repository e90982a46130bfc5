"""Compensation of a borrower for damage: posted at once (5004 to 2104), paid by a channel later."""

from __future__ import annotations

from mocklend.channels.payouts import order_payout
from mocklend.domain.facts import COMPENSATION_AGREED, Fact, business_date
from mocklend.lending.books import post_fact, state_of
from mocklend.lending.operator_log import COMPENSATION_AGREED as AGREED
from mocklend.lending.operator_log import bill_of, log_operator_action
from mocklend.sandboxes.ids import make_id
from mocklend.seams.compensation_agreed import CompensationAgreed
from mocklend.seams.signals import posted, recorded
from mocklend.storage.entities import Loan, Payout
from mocklend.storage.work import Work
from mocklend.world.record import record_in_world


def compensate(
    work: Work, loan_id: str, *, amount_minor: int, about: str, memo: str, operator: str, promised: bool = False
) -> Payout | None:
    """Agree on a compensation and order its payout through the channel of the loan's disbursement.

    `about` is the id of the dispute; each has one compensation. With `promised`, it was agreed before, not posted, and
    is posted now. None where it is agreed without being posted.
    """
    loan = work.get(Loan, loan_id)
    before = bill_of(loan, state_of(loan))
    on = business_date(work.now_ms, work.sandbox.zone)
    id = compensation_of(work, about)
    fact = Fact(id, COMPENSATION_AGREED, work.now_ms, on, amount_minor, loan.disburse_channel)
    if promised:
        work.signal(posted(id))
    else:
        record_in_world(work, loan.id, fact)
        if not _is_posted(work, loan, fact, about):
            return None
    work.signal(recorded(loan.id))
    after_fact = post_fact(work, loan, fact, cause="compensation")
    log_operator_action(
        work,
        after_fact.loan,
        AGREED,
        id,
        memo=memo,
        operator=operator,
        before=before,
        after=bill_of(after_fact.loan, after_fact.state),
    )
    return order_payout(
        work,
        after_fact.loan,
        purpose="compensation",
        channel_id=loan.disburse_channel,
        amount_minor=amount_minor,
        about=about,
    )


def compensation_of(work: Work, about: str) -> str:
    """The id of a dispute's compensation."""
    return make_id("cmp", work.sandbox.seed, about)


def _is_posted(work: Work, loan: Loan, fact: Fact, dispute_id: str) -> bool:
    """Whether the agreed compensation is posted to the books."""
    return work.at(
        CompensationAgreed(
            entity=fact.id,
            occurrence=1,
            now_ms=work.now_ms,
            loan_id=loan.id,
            dispute_id=dispute_id,
            compensation_id=fact.id,
            amount_minor=fact.amount_minor,
            currency=loan.currency,
        )
    ).posted
