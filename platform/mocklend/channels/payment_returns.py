"""Payment returns: a bank claws back money days after its channel reported it as paid.

trade SUCCESS ──▶ RETURNED ──▶ callback of its own ──▶ inbox ──▶ receipt void, 2102 → 1002, loan may reopen

The receipt and its return are two events, and both stay: in the world, on the books, on the statements.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from msgspec.structs import replace

from mocklend.channels.payments import NOBODYS, payment_return
from mocklend.channels.settlement import queue_callback, trade_doc
from mocklend.domain.facts import business_date
from mocklend.domain.instalment import Movement
from mocklend.domain.problems import Refused
from mocklend.domain.statuses import ReceiptState, RepaymentStatus, TradeState
from mocklend.ledger.journal import Head, post
from mocklend.lending.books import post_fact
from mocklend.sandboxes.ids import channel_chain, return_of
from mocklend.seams.signals import applied, recorded, taken_back, told
from mocklend.storage.entities import Chain, Loan, Receipt, Repayment, Trade
from mocklend.storage.facts import BOOK_FACTS
from mocklend.storage.work import Answer, Idempotency, Key, Work
from mocklend.webhooks.outbox import emit, receipt_data, repayment_data
from mocklend.world.record import record_in_world

__all__ = ["ReturnPayment", "ReturnWhenDue", "clawback"]


@dataclass(frozen=True, slots=True)
class ReturnPayment:
    """The channel returns the money of a trade now, and queues the callback that reports it."""

    sandbox_id: str
    idem: Idempotency | None
    channel: str
    out_trade_no: str

    def needs(self) -> Iterable[Key]:
        """The trade."""
        return (("trade", self.out_trade_no),)

    def decide(self, work: Work) -> Answer:
        """202 and the trade, RETURNED. Raises Refused `trade_unknown`, `trade_not_paid`."""
        trade = work.find(Trade, self.out_trade_no)
        if trade is None or trade.channel != self.channel:
            raise Refused("trade_unknown", f"{self.channel} has no such trade", out_trade_no=self.out_trade_no)
        if trade.state != TradeState.SUCCESS:
            raise Refused(
                "trade_not_paid",
                f"the trade is {trade.state}",
                expected=TradeState.SUCCESS,
                received=trade.state,
                out_trade_no=trade.id,
            )
        trade = _return(work, trade, work.now_ms, notifies=True)
        return Answer(202, trade_doc(trade))


@dataclass(frozen=True, slots=True)
class ReturnWhenDue:
    """A bank returns the money of a trade at its time. Not every channel sends a callback about it."""

    sandbox_id: str
    trade_id: str
    idem: Idempotency | None = None

    def needs(self) -> Iterable[Key]:
        """The trade."""
        return (("trade", self.trade_id),)

    def decide(self, work: Work) -> Answer:
        """200 and the trade."""
        trade = work.get(Trade, self.trade_id)
        if trade.return_due_ms is not None:
            trade = _return(work, trade, trade.return_due_ms, notifies=bool(trade.notifies))
        return Answer(200, trade_doc(trade))


def _return(work: Work, trade: Trade, returned_ms: int, *, notifies: bool) -> Trade:
    trade = replace(trade, state=TradeState.RETURNED, returned_ms=returned_ms, return_due_ms=None)
    work.put(trade)
    receipt = work.find(Receipt, trade.repayment_id)
    # An operator may have assigned money without a reference to a loan meanwhile.
    assignment = receipt.world_assignment if receipt else None
    loan_id = trade.loan_id or (assignment.loan_id if assignment else None) or NOBODYS
    fact = payment_return(work, trade)
    record_in_world(work, loan_id, fact)
    if notifies:
        work.signal(told(fact.id))
        queue_callback(work, trade, fact.id)
    return trade


def clawback(work: Work, trade: Trade) -> None:
    """Void the receipt of a returned trade on the books, once."""
    if trade.repayment_id.startswith("rct_"):
        _void_receipt(work, trade)
    else:
        _void_repayment(work, trade)


def _void_repayment(work: Work, trade: Trade) -> None:
    order = work.get(Repayment, trade.repayment_id)
    if not _void(work, trade, order.loan_id):
        return
    work.signal(taken_back(order.id))
    if order.status == RepaymentStatus.SUCCEEDED:  # An operator may have reversed it before.
        order = replace(order, status=RepaymentStatus.REVERSED, applied_minor=0, overpaid_minor=0)
        work.put(order)
    emit(work, "repayment.returned", order.loan_id, return_of(order.id), repayment_data(order))


def _void_receipt(work: Work, trade: Trade) -> None:
    receipt = work.get(Receipt, trade.repayment_id)
    if receipt.state == ReceiptState.RETURNED:
        return
    if receipt.state == ReceiptState.APPLIED:
        assert receipt.loan_id is not None, "an applied receipt is on a loan"
        work.signal(taken_back(receipt.id))
        _void(work, trade, receipt.loan_id)
        payload = receipt_data(replace(receipt, state=ReceiptState.RETURNED))
        emit(work, "receipt.returned", receipt.loan_id, return_of(receipt.id), payload)
    else:
        # It was never applied to a loan.
        work.signal(applied(receipt.id), applied(return_of(receipt.id)))
        chain = work.get(Chain, channel_chain(receipt.channel))
        on = business_date(trade.returned_ms or 0, work.sandbox.zone)
        legs = (("2102", f"1002:{receipt.channel}", receipt.amount_minor),)
        movement = Movement("payment_return", return_of(receipt.id), on, legs)
        head = post(work, chain.id, receipt.currency, Head(chain.next_seq, chain.head_hash), [movement])
        work.put(replace(chain, next_seq=head.next_seq, head_hash=head.hash))
    work.put(replace(receipt, state=ReceiptState.RETURNED))


def _void(work: Work, trade: Trade, loan_id: str) -> bool:
    """Post the payment return to a loan, unless it is posted. Returns whether it was posted now."""
    fact = payment_return(work, trade)
    if any(posted.id == fact.id for posted in work.load(BOOK_FACTS, loan_id)):
        return False
    loan = work.get(Loan, loan_id)
    work.signal(applied(fact.id), recorded(loan.id))
    post_fact(work, loan, fact, cause="payment_return", channel=trade.channel)
    return True
