"""Moving a receipt that an operator has put on the wrong loan: off the one and onto the other, in one act.

        loan B                             loan A
        receipt ◀── moved (gone)           the receipt's next booking, on the channel's day

Neither loan keeps a trace in its balances: what B's later history looked like with the money, or A's without it, is
replayed. So penalties on A that came of the money's absence are undone by its effective date.
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
from mocklend.webhooks.outbox import emit, receipt_data
from mocklend.world.record import record_in_world


@dataclass(frozen=True, slots=True)
class MoveReceipt(PlaceReceipt):
    """Take a matched receipt off its loan and put it on another, effective on the channel's day."""

    def decide(self, work: Work) -> Answer:
        """201 and the receipt, APPLIED to the other loan."""
        receipt = require_receipt(work, self.receipt_id)
        loan = self.intended_loan(work, receipt)
        trade = work.get(Trade, receipt.out_trade_no)
        _refuse(receipt, loan, trade)
        assert receipt.loan_id is not None, "an applied receipt is on a loan"
        left = work.get(Loan, receipt.loan_id)
        work.signal(applied(receipt.id), recorded(left.id))
        chosen = self.matched_loan(work, receipt, loan)
        if trade.loan_id == NOBODYS:
            receipt = _found_out(work, receipt, loan)
        moved = _moved(work, receipt, left.id, booking(receipt.id, receipt.matches))
        post_fact(work, left, moved, cause="reversal", reverses="receipt")
        told = receipt_data(receipt) | {"to_loan_id": chosen.id}
        emit(work, "receipt.moved", left.id, moved.id, told)
        receipt = self.place(work, receipt, chosen, RECEIPT_MOVED)
        return Answer(201, receipt_doc(receipt))


def _refuse(receipt: Receipt, loan: Loan, trade: Trade) -> None:
    """What came with a usable reference is where its payer wanted it."""
    if receipt.state != ReceiptState.APPLIED or not receipt.matches:
        reason = f"the receipt is {receipt.state}, matched {receipt.matches} times"
    elif receipt.loan_id == loan.id:
        reason = f"the receipt is on {loan.id} already"
    elif trade.state == TradeState.RETURNED:
        reason = "its channel has taken the money back"
    else:
        return
    raise Refused("receipt_not_movable", reason, receipt_id=receipt.id, loan_id=loan.id)


def _moved(work: Work, receipt: Receipt, loan_id: str, fact_id: str) -> Fact:
    on = business_date(work.now_ms, work.sandbox.zone)
    id = make_id("mov", work.sandbox.seed, receipt.id, receipt.matches, loan_id)
    return Fact(id, MOVED, work.now_ms, on, reverses=fact_id)


def _found_out(work: Work, receipt: Receipt, loan: Loan) -> Receipt:
    """Of money that nobody's reference names, the world has what operators found out. They may think again."""
    assert receipt.world_assignment is not None, "money that names nobody was matched before it is moved"
    before, left = receipt.world_assignment.loan_id, dict(receipt.world_assignment.left)
    if before == loan.id:
        return receipt
    moved = _moved(work, receipt, before, receipt.id)
    record_in_world(work, before, moved)
    left[before] = moved.id
    on = business_date(receipt.paid_ms, work.sandbox.zone)
    if loan.id in left:  # It was there before: what took it away counts no more.
        today = business_date(work.now_ms, work.sandbox.zone)
        back = make_id("rev", work.sandbox.seed, left[loan.id])
        record_in_world(work, loan.id, Fact(back, REVERSAL, work.now_ms, today, reverses=left.pop(loan.id)))
    else:
        amount, channel, scope = receipt.amount_minor, receipt.channel, receipt.scope
        record_in_world(work, loan.id, Fact(receipt.id, RECEIPT, receipt.paid_ms, on, amount, channel, scope))
    return replace(receipt, world_assignment=WorldAssignment(loan.id, left))
