"""A paid order that is treated as closed, and its restoration.

A final state does not change, so the inbox refuses an event that contradicts it. An inbox that accepts such an event
reverses the receipt: a well-formed, but wrong command. A query to the channel reverses that reversal.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from msgspec.structs import replace

from mocklend.domain.facts import REVERSAL, Fact, business_date
from mocklend.domain.statuses import RepaymentStatus
from mocklend.lending.books import post_fact
from mocklend.sandboxes.ids import make_id
from mocklend.seams.follow_ups import TakeOrderForClosed
from mocklend.seams.signals import applied, recorded
from mocklend.storage.entities import Loan, Repayment
from mocklend.storage.work import Answer, Idempotency, Key, Work
from mocklend.webhooks.outbox import emit, repayment_data


@dataclass(frozen=True, slots=True)
class BelieveClosed:
    """Reverse the receipt of an order that an event from before its payment calls closed."""

    sandbox_id: str
    asked: TakeOrderForClosed
    idem: Idempotency | None = None

    def needs(self) -> Iterable[Key]:
        """The repayment; `decide` loads its loan."""
        return (("repayment", self.asked.repayment_id),)

    def decide(self, work: Work) -> Answer:
        """201 and the order's status."""
        order = work.get(Repayment, self.asked.repayment_id)
        loan = work.get(Loan, order.loan_id)
        work.signal(recorded(loan.id))
        post_fact(work, loan, _reversal(work, order, order.id, "closed"), cause="reversal", reverses="repayment")
        order = replace(work.get(Repayment, order.id), status=RepaymentStatus.FAILED, applied_minor=0, overpaid_minor=0)
        work.put(order)
        emit(work, "repayment.failed", loan.id, order.id, repayment_data(order))
        return Answer(201, {"id": order.id, "status": order.status})


def restore(work: Work, order: Repayment) -> Repayment:
    """Restore an order whose money the channel has: the reversal is reversed, and the receipt counts again."""
    loan = work.get(Loan, order.loan_id)
    reversal_id = make_id("rev", work.sandbox.seed, order.id, "closed")
    work.signal(applied(order.id), recorded(loan.id))
    posted = post_fact(
        work, loan, _reversal(work, order, reversal_id, "restored"), cause="reversal", reverses="reversal"
    )
    applied_minor, overpaid_minor = posted.state.applied[order.id]
    order = replace(
        work.get(Repayment, order.id),
        status=RepaymentStatus.SUCCEEDED,
        applied_minor=applied_minor,
        overpaid_minor=overpaid_minor,
    )
    work.put(order)
    emit(work, "repayment.succeeded", loan.id, f"{order.id}.restored", repayment_data(order))
    return order


def _reversal(work: Work, order: Repayment, reverses: str, reason: str) -> Fact:
    id = make_id("rev", work.sandbox.seed, order.id, reason)
    return Fact(id, REVERSAL, work.now_ms, business_date(work.now_ms, work.sandbox.zone), reverses=reverses)
