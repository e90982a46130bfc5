"""A channel settles: its delay is over, it has the money, and it queues the callback that says so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, TypedDict

from msgspec.structs import replace

from mocklend.documents import rendering
from mocklend.domain.facts import RECEIPT, Fact, business_date
from mocklend.domain.nouns import (
    ChannelId,
    ChannelTradeNo,
    Currency,
    OutTradeNo,
    PayerName,
    PayerReference,
    column,
    one_of,
    says,
)
from mocklend.domain.statuses import DeliveryState, TradeState
from mocklend.sandboxes.ids import callback_of, suffix
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


class TradeDoc(TypedDict):
    """A channel's own record of a payment."""

    channel: ChannelId
    out_trade_no: Annotated[OutTradeNo, column("id")]
    channel_trade_no: ChannelTradeNo | None
    amount_minor: Annotated[int, says("The amount of the order, in minor units of `currency`.")]
    currency: Currency
    state: Annotated[
        str,
        one_of(
            TradeState,
            "CREATED, SUCCESS when it was paid, CLOSED when nobody paid in time, RETURNED when the "
            "money was taken back.",
        ),
    ]
    payer_name: PayerName | None
    payer_reference: PayerReference | None
    created_at: Annotated[str, says("When the order was made. RFC 3339, on the sandbox's clock.")]
    paid_at: Annotated[str | None, says("When it was paid; null if it was not. RFC 3339, on the sandbox's clock.")]
    returned_at: Annotated[
        str | None, says("When the channel took the money back; null if it did not. RFC 3339, on the sandbox's clock.")
    ]


class AttemptDoc(TypedDict):
    """One attempt to deliver a callback. What is sent besides, such as a copy, has the number of its attempt."""

    n: Annotated[int, says("The attempt's number, from 1.")]
    at: Annotated[str, says("When it was made. RFC 3339, on the sandbox's clock.")]
    event: Annotated[str, says("What was sent: the callback, a copy of it, or an altered one.")]
    outcome: Annotated[str, says("What came of it: what the platform answered, or how it was lost.")]


class CallbackDoc(TypedDict):
    """A callback's delivery log."""

    id: Annotated[str, says("The callback's id.")]
    channel: ChannelId
    out_trade_no: OutTradeNo
    state: Annotated[
        str,
        one_of(
            DeliveryState,
            "QUEUED before its first attempt, RETRY between attempts, ACKED when it was taken, EXHAUSTED "
            "when no attempt is left.",
        ),
    ]
    attempts: Annotated[list[AttemptDoc], column("log"), says("Every attempt to deliver it, oldest first.")]
    queued_at: Annotated[str, says("When the channel made it. RFC 3339, on the sandbox's clock.")]
    next_attempt_at: Annotated[
        str | None,
        column("due_ms"),
        says("When it is tried again; null when no attempt is left or needed. RFC 3339, on the sandbox's clock."),
    ]
    acked_at: Annotated[
        str | None, says("When the receiver answered with 2xx; null until then. RFC 3339, on the sandbox's clock.")
    ]
    applied_at: Annotated[
        str | None, says("When its money went on the books; null until then. RFC 3339, on the sandbox's clock.")
    ]


trade_doc = rendering(Trade, TradeDoc)


callback_doc = rendering(Callback, CallbackDoc)
