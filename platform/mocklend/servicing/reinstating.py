"""Reversing the reversal of a repayment: the repayment counts again, from the date of the payment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from msgspec.structs import replace

from mocklend.channels.inbox import book
from mocklend.domain.problems import Refused
from mocklend.domain.statuses import RepaymentStatus
from mocklend.lending.books import state_of
from mocklend.lending.operator_log import REPAYMENT_REINSTATED, bill_of, log_operator_action
from mocklend.lending.repay import repayment_doc
from mocklend.lending.required import require_repayment
from mocklend.sandboxes.ids import out_trade_no
from mocklend.seams.signals import applied
from mocklend.servicing.edits import reverse_fact
from mocklend.storage.entities import Loan, Trade
from mocklend.storage.work import Answer, Idempotency, Key, Work
from mocklend.webhooks.outbox import emit, repayment_data


@dataclass(frozen=True, slots=True)
class ReinstateRepayment:
    """Reverse the reversal of a repayment. Money that its channel has returned meanwhile is not restored."""

    sandbox_id: str
    idem: Idempotency | None
    repayment_id: str
    memo: str
    operator: str

    def needs(self) -> Iterable[Key]:
        """The repayment and its trade; `decide` loads its loan."""
        return (("repayment", self.repayment_id), ("trade", out_trade_no(self.repayment_id)))

    def decide(self, work: Work) -> Answer:
        """201 and the repayment, booked as ordered. Raises Refused `repayment_unknown`, `repayment_not_reversed`."""
        order = require_repayment(work, self.repayment_id)
        if order.reversal_id is None:
            raise Refused(
                "repayment_not_reversed",
                f"the repayment is {order.status}, and was not reversed",
                repayment_id=order.id,
            )
        trade = work.get(Trade, out_trade_no(order.id))
        loan = work.get(Loan, order.loan_id)
        before = bill_of(loan, state_of(loan))
        reversal_id = order.reversal_id
        posted = reverse_fact(work, loan.id, reversal_id, "reversal")
        order = replace(order, reversal_id=None)
        if order.id in posted.state.applied:
            settled, over = posted.state.applied[order.id]
            order = replace(order, status=RepaymentStatus.SUCCEEDED, applied_minor=settled, overpaid_minor=over)
            if (order.booked_type, order.booked_ms) != (order.type, trade.paid_ms):
                work.signal(applied(order.id))
                posted, order = book(work, posted.loan, order, cause="reversal")
        work.put(order)
        after = bill_of(posted.loan, posted.state)
        log_operator_action(
            work, posted.loan, REPAYMENT_REINSTATED, reversal_id, memo=self.memo, operator=self.operator, before=before,
            after=after,
        )  # fmt: skip
        emit(work, "repayment.reinstated", order.loan_id, reversal_id, repayment_data(order))
        return Answer(201, repayment_doc(order))
