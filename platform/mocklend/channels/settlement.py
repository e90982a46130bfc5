"""A channel settles: its delay is over, it has the money, and it queues the callback that says so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from msgspec import to_builtins
from msgspec.structs import replace

from mocklend.domain.facts import RECEIPT, Fact, business_date
from mocklend.domain.statuses import DeliveryState, TradeState
from mocklend.sandboxes.ids import callback_of, suffix
from mocklend.sandboxes.timestamps import maybe_rfc3339, rfc3339
from mocklend.seams.about import about_payment
from mocklend.seams.trade_settled import TradeSettled
from mocklend.storage.entities import Callback, Trade
from mocklend.storage.work import Answer, Idempotency, Key, Work
from mocklend.world.record import record_in_world


@dataclass(frozen=True, slots=True)
class SettleTrade:
    """The money of one order arrives at its channel."""

    sandbox_id: str
    trade_id: str
    idem: Idempotency | None = None

    def needs(self) -> Iterable[Key]:
        """The channel's record."""
        return (("trade", self.trade_id),)

    def decide(self, work: Work) -> Answer:
        """200 and the trade."""
        trade = work.get(Trade, self.trade_id)
        if trade.state != TradeState.CREATED or trade.due_ms is None:
            return Answer(200, trade_doc(trade))
        paid_ms = trade.due_ms
        trade = replace(
            trade,
            state=TradeState.SUCCESS,
            paid_ms=paid_ms,
            due_ms=None,
            channel_trade_no="CH" + suffix(work.sandbox.seed, "channel", trade.id).upper(),
        )
        outcome = work.at(
            TradeSettled(
                **about_payment(paid_ms, trade, trade.repayment_id),
                repayment_id=trade.repayment_id,
                payer_reference=trade.payer_reference,
            )
        )
        if outcome.fails_after_s is not None:
            trade = replace(trade, return_due_ms=paid_ms + outcome.fails_after_s * 1000, notifies=int(outcome.tells))
        work.put(trade)
        on = business_date(paid_ms, work.sandbox.zone)
        record_in_world(
            work,
            trade.loan_id,
            Fact(trade.repayment_id, RECEIPT, paid_ms, on, trade.amount_minor, trade.channel, scope=trade.scope),
        )
        queue_callback(work, trade, trade.repayment_id)
        return Answer(200, trade_doc(trade))


def queue_callback(work: Work, trade: Trade, fact_id: str) -> None:
    """The channel has something to tell of a trade: that it was paid, or that the money is gone again.

    It is due from the moment of which it tells, also where the platform comes to it later: so what a channel tells
    comes in the order in which it happened, and the books need not be worked out anew for it.
    """
    happened_ms = trade.paid_ms if trade.returned_ms is None else trade.returned_ms
    work.put(
        Callback(
            id=callback_of(fact_id),
            loan_id=trade.loan_id,
            repayment_id=fact_id,
            out_trade_no=trade.id,
            channel=trade.channel,
            state=DeliveryState.QUEUED,
            attempts=0,
            attempts_to_lose=0,
            log=(),
            queued_ms=work.now_ms,
            due_ms=work.now_ms if happened_ms is None else min(happened_ms, work.now_ms),
            acked_ms=None,
            applied_ms=None,
        )
    )


def trade_doc(trade: Trade) -> dict[str, Any]:
    """A channel's record as JSON: what an order query answers."""
    return {
        "channel": trade.channel,
        "out_trade_no": trade.id,
        "channel_trade_no": trade.channel_trade_no,
        "amount_minor": trade.amount_minor,
        "currency": trade.currency,
        "state": trade.state,
        "payer_name": trade.payer_name,
        "payer_reference": trade.payer_reference,
        "created_at": rfc3339(trade.created_ms),
        "paid_at": maybe_rfc3339(trade.paid_ms),
        "returned_at": maybe_rfc3339(trade.returned_ms),
    }


def callback_doc(callback: Callback) -> dict[str, Any]:
    """A callback's delivery log as JSON."""
    return {
        "id": callback.id,
        "channel": callback.channel,
        "out_trade_no": callback.out_trade_no,
        "state": callback.state,
        "attempts": to_builtins(callback.log),
        "queued_at": rfc3339(callback.queued_ms),
        "next_attempt_at": maybe_rfc3339(callback.due_ms),
        "acked_at": maybe_rfc3339(callback.acked_ms),
        "applied_at": maybe_rfc3339(callback.applied_ms),
    }
