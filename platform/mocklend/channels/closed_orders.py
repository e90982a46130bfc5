"""An order that was paid and is taken for closed, and the way back.

A final state never goes back, so the honest inbox refuses an event that says so. One that believes it takes the receipt
off the loan by a reversal: well-formed, and wrong. Asking the channel reverses that reversal.
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
    """Take back the receipt of an order that an event from before its payment says was closed."""

    sandbox_id: str
    asked: TakeOrderForClosed
    idem: Idempotency | None = None

    def needs(self) -> Iterable[Key]:
        """The repayment; its loan follows."""
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
    """The channel has the money after all: the reversal is reversed, and the receipt counts as it did."""
    loan = work.get(Loan, order.loan_id)
    wrong = make_id("rev", work.sandbox.seed, order.id, "closed")
    work.signal(applied(order.id), recorded(loan.id))
    done = post_fact(work, loan, _reversal(work, order, wrong, "restored"), cause="reversal", reverses="reversal")
    settled, over = done.state.applied[order.id]
    order = replace(
        work.get(Repayment, order.id), status=RepaymentStatus.SUCCEEDED, applied_minor=settled, overpaid_minor=over
    )
    work.put(order)
    emit(work, "repayment.succeeded", loan.id, f"{order.id}.restored", repayment_data(order))
    return order


def _reversal(work: Work, order: Repayment, reverses: str, why: str) -> Fact:
    id = make_id("rev", work.sandbox.seed, order.id, why)
    return Fact(id, REVERSAL, work.now_ms, business_date(work.now_ms, work.sandbox.zone), reverses=reverses)
