"""Moving a receipt that an operator has matched to the wrong loan: off that loan and onto another, in one command.

        loan B                             loan A
        receipt ◀── moved (gone)           the receipt's next booking, on the channel's day

Neither loan's balances keep a trace: B's later history is replayed without the money, A's with it. So penalties that A
accrued because the money was missing are undone from the effective date on.
"""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from mocklend.channels.payments import NOBODYS, receipt_doc
from mocklend.domain.facts import MOVED, RECEIPT, REVERSAL, Fact, booking, business_date
from mocklend.domain.problems import Refused
from mocklend.domain.statuses import ReceiptState, TradeState
from mocklend.lending.books import post_fact
from mocklend.lending.operator_log import RECEIPT_MOVED
from mocklend.lending.required import require_receipt
from mocklend.sandboxes.ids import make_id
from mocklend.seams.signals import applied, recorded
from mocklend.servicing.matching import PlaceReceipt
from mocklend.storage.entities import Loan, Receipt, Trade
from mocklend.storage.values import WorldAssignment
from mocklend.storage.work import Answer, Work
from mocklend.webhooks.events import MovedReceiptData
from mocklend.webhooks.outbox import emit, receipt_data
from mocklend.world.record import record_in_world


@dataclass(frozen=True, slots=True)
class MoveReceipt(PlaceReceipt):
    """Move a matched receipt from its loan to another, effective on the channel's date."""

    def decide(self, work: Work) -> Answer:
        """201 and the receipt, APPLIED to the other loan.

        Raises Refused `receipt_unknown`, `receipt_not_movable`, `loan_unknown`, `currency_mismatch`."""
        receipt = require_receipt(work, self.receipt_id)
        loan = self.intended_loan(work, receipt)
        trade = work.get(Trade, receipt.out_trade_no)
        _refuse(receipt, loan, trade)
        assert receipt.loan_id is not None, "an applied receipt is on a loan"
        former = work.get(Loan, receipt.loan_id)
        work.signal(applied(receipt.id), recorded(former.id))
        matched = self.matched_loan(work, receipt, loan)
        if trade.loan_id == NOBODYS:
            receipt = _assign_in_world(work, receipt, loan)
        move = _move_fact(work, receipt, former.id, booking(receipt.id, receipt.matches))
        post_fact(work, former, move, cause="reversal", reverses="receipt")
        payload: MovedReceiptData = {**receipt_data(receipt), "to_loan_id": matched.id}
        emit(work, "receipt.moved", former.id, move.id, payload)
        receipt = self.place(work, receipt, matched, RECEIPT_MOVED)
        return Answer(201, receipt_doc(receipt))


def _refuse(receipt: Receipt, loan: Loan, trade: Trade) -> None:
    """Refuse unless an operator has matched the receipt: a usable reference has put it where the payer wanted it."""
    if receipt.state != ReceiptState.APPLIED or not receipt.matches:
        reason = f"the receipt is {receipt.state}, matched {receipt.matches} times"
    elif receipt.loan_id == loan.id:
        reason = f"the receipt is already on {loan.id}"
    elif trade.state == TradeState.RETURNED:
        reason = "its channel has returned the money"
    else:
        return
    raise Refused("receipt_not_movable", reason, receipt_id=receipt.id, loan_id=loan.id)


def _move_fact(work: Work, receipt: Receipt, loan_id: str, fact_id: str) -> Fact:
    on = business_date(work.now_ms, work.sandbox.zone)
    id = make_id("mov", work.sandbox.seed, receipt.id, receipt.matches, loan_id)
    return Fact(id, MOVED, work.now_ms, on, reverses=fact_id)


def _assign_in_world(work: Work, receipt: Receipt, loan: Loan) -> Receipt:
    """Update the world for money without a usable reference: it is assigned as operators decide, which may change."""
    assert receipt.world_assignment is not None, "money without a reference is matched before it is moved"
    before, moves_by_loan = receipt.world_assignment.loan_id, dict(receipt.world_assignment.left)
    if before == loan.id:
        return receipt
    move = _move_fact(work, receipt, before, receipt.id)
    record_in_world(work, before, move)
    moves_by_loan[before] = move.id
    on = business_date(receipt.paid_ms, work.sandbox.zone)
    if loan.id in moves_by_loan:  # It was on this loan before: reverse the fact that moved it away.
        today = business_date(work.now_ms, work.sandbox.zone)
        reversal_id = make_id("rev", work.sandbox.seed, moves_by_loan[loan.id])
        record_in_world(
            work, loan.id, Fact(reversal_id, REVERSAL, work.now_ms, today, reverses=moves_by_loan.pop(loan.id))
        )
    else:
        amount, channel, scope = receipt.amount_minor, receipt.channel, receipt.scope
        record_in_world(work, loan.id, Fact(receipt.id, RECEIPT, receipt.paid_ms, on, amount, channel, scope))
    return replace(receipt, world_assignment=WorldAssignment(loan.id, moves_by_loan))
