"""The order query for a push payment: an operator queries a channel, and the answer is posted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mocklend.channels.inbox import post_payment_return
from mocklend.channels.payments import receipt_doc, take_payment
from mocklend.domain.problems import Refused
from mocklend.domain.statuses import TradeState
from mocklend.sandboxes.ids import receipt_of
from mocklend.storage.entities import Receipt, Trade
from mocklend.storage.work import Answer, Idempotency, Key, Work


@dataclass(frozen=True, slots=True)
class QueryPayment:
    """Query a channel for a push payment whose callback did not arrive, and post the answer."""

    sandbox_id: str
    idem: Idempotency | None
    channel: str
    out_trade_no: str
    operator: str

    def needs(self) -> Iterable[Key]:
        """The trade, and the receipt if it exists."""
        return (("trade", self.out_trade_no), ("receipt", receipt_of(self.out_trade_no)))

    def decide(self, work: Work) -> Answer:
        """200 and the receipt; unchanged if it exists already. Raises Refused `trade_unknown`, `trade_not_paid`."""
        trade = work.find(Trade, self.out_trade_no)
        if trade is None or trade.channel != self.channel or trade.repayment_id != receipt_of(trade.id):
            raise Refused("trade_unknown", f"{self.channel} has no such push payment", out_trade_no=self.out_trade_no)
        if trade.state == TradeState.RETURNED:
            post_payment_return(work, trade)
            return Answer(200, receipt_doc(work.get(Receipt, trade.repayment_id)))
        if trade.state != TradeState.SUCCESS:
            raise Refused(
                "trade_not_paid", f"the channel says {trade.state}", expected=TradeState.SUCCESS, received=trade.state
            )
        take_payment(work, trade)
        return Answer(200, receipt_doc(work.get(Receipt, trade.repayment_id)))
