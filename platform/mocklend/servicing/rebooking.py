"""Booking a repayment anew that was booked as something else than was ordered, or on another day than it was paid.

The first booking counts no more and the money of it is applied again, as the order and the channel's record say. What
came later is replayed; penalties that came of the mistake are undone by the effective date.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from msgspec.structs import replace

from mocklend.channels.inbox import book
from mocklend.domain.problems import Refused
from mocklend.domain.statuses import RepaymentStatus
from mocklend.lending.books import state_of
from mocklend.lending.operator_log import REPAYMENT_REBOOKED, bill_of, log_operator_action
from mocklend.lending.repay import repayment_doc
from mocklend.lending.required import require_repayment
from mocklend.sandboxes.ids import out_trade_no
from mocklend.seams.signals import applied, recorded
from mocklend.storage.entities import Loan, Trade
from mocklend.storage.work import Answer, Idempotency, Key, Work
from mocklend.webhooks.outbox import emit, repayment_data


@dataclass(frozen=True, slots=True)
class RebookRepayment:
    """Take the booking of a repayment back, and book its money as was ordered and when the channel was paid."""

    sandbox_id: str
    idem: Idempotency | None
    repayment_id: str
    memo: str
    operator: str

    def needs(self) -> Iterable[Key]:
        """The repayment and the channel's record of it; its loan follows."""
        return (("repayment", self.repayment_id), ("trade", out_trade_no(self.repayment_id)))

    def decide(self, work: Work) -> Answer:
        """201 and the repayment, as it is booked now."""
        order = require_repayment(work, self.repayment_id)
        if order.status != RepaymentStatus.SUCCEEDED:
            raise Refused(
                "repayment_not_applied",
                f"the repayment is {order.status}",
                expected=RepaymentStatus.SUCCEEDED,
                received=order.status,
                repayment_id=order.id,
            )
        trade = work.get(Trade, out_trade_no(order.id))
        if (order.booked_type, order.booked_ms) == (order.type, trade.paid_ms):
            raise Refused(
                "repayment_booked_right", "it is booked as was ordered, when it was paid", repayment_id=order.id
            )
        loan = work.get(Loan, order.loan_id)
        before = bill_of(loan, state_of(loan))
        assert trade.paid_ms is not None, "what is on the books was paid"
        work.signal(applied(order.id), recorded(loan.id))
        done, order = book(work, loan, replace(order, paid_ms=trade.paid_ms), cause="reversal")
        after = bill_of(done.loan, done.state)
        log_operator_action(
            work, done.loan, REPAYMENT_REBOOKED, order.id, memo=self.memo, operator=self.operator, before=before,
            after=after, n=order.bookings - 1,
        )  # fmt: skip
        emit(work, "repayment.rebooked", order.loan_id, f"{order.id}.{order.bookings}", repayment_data(order))
        return Answer(201, repayment_doc(order))
