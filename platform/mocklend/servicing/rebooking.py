"""Rebooking a repayment that was booked under another type than ordered, or on another day than paid.

The first booking no longer counts, and its money is applied again by the order and the channel's trade. Later facts are
replayed: penalties caused by the mistake are undone from the effective date on.
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
    """Replace the booking of a repayment by one with the ordered type and the channel's time."""

    sandbox_id: str
    idem: Idempotency | None
    repayment_id: str
    memo: str
    operator: str

    def needs(self) -> Iterable[Key]:
        """The repayment and its trade; `decide` loads its loan."""
        return (("repayment", self.repayment_id), ("trade", out_trade_no(self.repayment_id)))

    def decide(self, work: Work) -> Answer:
        """201 and the repayment as booked now.

        Raises Refused `repayment_unknown`, `repayment_not_applied`, `repayment_booked_right`."""
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
                "repayment_booked_right", "it is booked as ordered, at the time of payment", repayment_id=order.id
            )
        loan = work.get(Loan, order.loan_id)
        before = bill_of(loan, state_of(loan))
        assert trade.paid_ms is not None, "a posted repayment was paid"
        work.signal(applied(order.id), recorded(loan.id))
        posted, order = book(work, loan, replace(order, paid_ms=trade.paid_ms), cause="reversal")
        after = bill_of(posted.loan, posted.state)
        log_operator_action(
            work, posted.loan, REPAYMENT_REBOOKED, order.id, memo=self.memo, operator=self.operator, before=before,
            after=after, n=order.bookings - 1,
        )  # fmt: skip
        emit(work, "repayment.rebooked", order.loan_id, f"{order.id}.{order.bookings}", repayment_data(order))
        return Answer(201, repayment_doc(order))
