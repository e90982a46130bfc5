"""Payment returns: a bank claws back money days after its channel reported it as paid.

trade SUCCESS ──▶ RETURNED ──▶ callback of its own ──▶ inbox ──▶ receipt void, 2102 → 1002, loan may reopen

The receipt and its failure are two events, and both stay on record: in the world, on the books, on the statements.
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
    """The channel takes back the money of a trade, now, and queues the callback that says so."""

    sandbox_id: str
    idem: Idempotency | None
    channel: str
    out_trade_no: str

    def needs(self) -> Iterable[Key]:
        """The channel's record."""
        return (("trade", self.out_trade_no),)

    def decide(self, work: Work) -> Answer:
        """202 and the trade, RETURNED. What was never paid cannot be returned, nor what has been already."""
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
        trade = _return(work, trade, work.now_ms, tells=True)
        return Answer(202, trade_doc(trade))


@dataclass(frozen=True, slots=True)
class ReturnWhenDue:
    """The moment has come at which a bank takes back the money of a trade. Not every channel tells."""

    sandbox_id: str
    trade_id: str
    idem: Idempotency | None = None

    def needs(self) -> Iterable[Key]:
        """The channel's record."""
        return (("trade", self.trade_id),)

    def decide(self, work: Work) -> Answer:
        """200 and the trade."""
        trade = work.get(Trade, self.trade_id)
        if trade.return_due_ms is not None:
            trade = _return(work, trade, trade.return_due_ms, tells=bool(trade.notifies))
        return Answer(200, trade_doc(trade))


def _return(work: Work, trade: Trade, returned_ms: int, *, tells: bool) -> Trade:
    trade = replace(trade, state=TradeState.RETURNED, returned_ms=returned_ms, return_due_ms=None)
    work.put(trade)
    receipt = work.find(Receipt, trade.repayment_id)
    # Whose nobody's money was, is what an operator may have found out meanwhile.
    found_out = receipt.world_assignment if receipt else None
    whose = trade.loan_id or (found_out.loan_id if found_out else None) or NOBODYS
    failure = payment_return(work, trade)
    record_in_world(work, whose, failure)
    if tells:
        work.signal(told(failure.id))
        queue_callback(work, trade, failure.id)
    return trade


def clawback(work: Work, trade: Trade) -> None:
    """The books have the receipt of a trade whose payment was returned: undo it, once."""
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
        told = receipt_data(replace(receipt, state=ReceiptState.RETURNED))
        emit(work, "receipt.returned", receipt.loan_id, return_of(receipt.id), told)
    else:
        # Nobody knows whose it was, and it no longer matters.
        work.signal(applied(receipt.id), applied(return_of(receipt.id)))
        chain = work.get(Chain, channel_chain(receipt.channel))
        on = business_date(trade.returned_ms or 0, work.sandbox.zone)
        legs = (("2102", f"1002:{receipt.channel}", receipt.amount_minor),)
        movement = Movement("payment_return", return_of(receipt.id), on, legs)
        head = post(work, chain.id, receipt.currency, Head(chain.next_seq, chain.head_hash), [movement])
        work.put(replace(chain, next_seq=head.next_seq, head_hash=head.hash))
    work.put(replace(receipt, state=ReceiptState.RETURNED))


def _void(work: Work, trade: Trade, loan_id: str) -> bool:
    """Record the payment return on a loan, unless it is there."""
    fact = payment_return(work, trade)
    if any(known.id == fact.id for known in work.load(BOOK_FACTS, loan_id)):
        return False
    loan = work.get(Loan, loan_id)
    work.signal(applied(fact.id), recorded(loan.id))
    post_fact(work, loan, fact, cause="payment_return", channel=trade.channel)
    return True
