"""Settlement at a channel: after its delay it has the money, and queues the callback that reports it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, TypedDict

from msgspec.structs import replace

from mocklend.channels.messages import STATES, body_of, event_of
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
from mocklend.sandboxes.timestamps import rfc3339
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
        """The trade."""
        return (("trade", self.trade_id),)

    def decide(self, work: Work) -> Answer:
        """204: the clock settles it, and nobody reads an answer."""
        trade = work.get(Trade, self.trade_id)
        if trade.state != TradeState.CREATED or trade.due_ms is None:
            return Answer(204, {})
        paid_ms = trade.due_ms
        trade = replace(
            trade,
            state=TradeState.SUCCESS,
            paid_ms=paid_ms,
            due_ms=None,
            channel_trade_no="CH" + suffix(work.sandbox.seed, "channel", trade.id).upper(),
        )
        if work.armed:
            event = TradeSettled(
                **about_payment(paid_ms, trade, trade.repayment_id),
                repayment_id=trade.repayment_id,
                payer_reference=trade.payer_reference,
            )
            outcome = work.at(event)
            if outcome.fails_after_s is not None:
                fails_ms = paid_ms + outcome.fails_after_s * 1000
                trade = replace(trade, return_due_ms=fails_ms, notifies=int(outcome.tells))
        work.put(trade)
        on = business_date(paid_ms, work.sandbox.zone)
        record_in_world(
            work,
            trade.loan_id,
            Fact(trade.repayment_id, RECEIPT, paid_ms, on, trade.amount_minor, trade.channel, scope=trade.scope),
        )
        queue_callback(work, trade, trade.repayment_id)
        return Answer(204, {})


def queue_callback(work: Work, trade: Trade, fact_id: str) -> None:
    """Queue the callback of a trade that was paid or returned.

    It is due at the time of its event, even if the platform processes it later: so callbacks arrive in the order of
    their events, and the books need no replay for them.
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


def _or_none(loan_id: str) -> str | None:
    return loan_id or None


class TradeDoc(TypedDict):
    """A payment at its channel."""

    channel: ChannelId
    out_trade_no: Annotated[OutTradeNo, column("id")]
    channel_trade_no: ChannelTradeNo | None
    loan_id: Annotated[
        str | None,
        column("loan_id", _or_none),
        says("The loan of the order, or the one that the payer's reference names; null if it names none."),
    ]
    amount_minor: Annotated[int, says("The amount of the order, in minor units of `currency`.")]
    currency: Currency
    state: Annotated[
        str,
        one_of(
            TradeState,
            "CREATED, SUCCESS when it was paid, CLOSED when it was not paid in time, RETURNED when the "
            "money was returned.",
        ),
    ]
    payer_name: PayerName | None
    payer_reference: PayerReference | None
    created_at: Annotated[str, says("When the order was made. RFC 3339, on the sandbox's clock.")]
    due_at: Annotated[
        str | None, says("When the channel settles it; null once it has. RFC 3339, on the sandbox's clock.")
    ]
    paid_at: Annotated[str | None, says("When it was paid; null if it was not. RFC 3339, on the sandbox's clock.")]
    returned_at: Annotated[
        str | None, says("When the channel returned the money; null if it did not. RFC 3339, on the sandbox's clock.")
    ]


class AttemptDoc(TypedDict):
    """One attempt to deliver a callback. Other messages, such as a copy, have the number of the same attempt."""

    n: Annotated[int, says("The attempt's number, from 1.")]
    at: Annotated[str, says("When it was made. RFC 3339, on the sandbox's clock.")]
    event: Annotated[str, says("The message: the callback, a copy of it, or an altered one.")]
    outcome: Annotated[str, says("The outcome: the platform's answer, or how the message was lost.")]


class _DeliveryLog(TypedDict):
    id: Annotated[str, says("The callback's id.")]
    channel: ChannelId
    out_trade_no: OutTradeNo
    loan_id: Annotated[
        str | None,
        column("loan_id", _or_none),
        says("The loan of the order, or the one that the payer's reference names; null if it names none."),
    ]
    event: Annotated[str, column("repayment_id", event_of), one_of(STATES, "The type of the message.")]
    state: Annotated[
        str,
        one_of(
            DeliveryState,
            "QUEUED before its first attempt, RETRY between attempts, ACKED when it was accepted, EXHAUSTED "
            "when no attempt is left.",
        ),
    ]
    attempts: Annotated[list[AttemptDoc], column("log"), says("Every attempt to deliver it, oldest first.")]
    queued_at: Annotated[str, says("When the channel made it. RFC 3339, on the sandbox's clock.")]
    next_attempt_at: Annotated[
        str | None,
        column("due_ms"),
        says("When the next attempt is due; null when no attempt is left or needed. RFC 3339, on the sandbox's clock."),
    ]
    acked_at: Annotated[
        str | None, says("When the receiver answered with 2xx; null until then. RFC 3339, on the sandbox's clock.")
    ]
    applied_at: Annotated[
        str | None, says("When its money was posted to the books; null until then. RFC 3339, on the sandbox's clock.")
    ]


class CallbackDoc(_DeliveryLog):
    """A callback, and its delivery log."""

    body: Annotated[
        str,
        says(
            "The message as the channel has it: JSON, as of its last attempt. An attempt may arrive otherwise: "
            "`attempts` says what came of it."
        ),
    ]


trade_doc = rendering(Trade, TradeDoc)
_delivery_log = rendering(Callback, _DeliveryLog)


def callback_doc(callback: Callback, trade: Trade) -> CallbackDoc:
    """A callback as JSON; `trade` is the one that it is about."""
    sent_at = callback.log[-1].at if callback.log else rfc3339(callback.queued_ms)
    return {**_delivery_log(callback), "body": body_of(event_of(callback.repayment_id), trade, sent_at)}
