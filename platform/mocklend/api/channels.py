"""What the channels offer: themselves, an order query, and the log of their callbacks."""

from __future__ import annotations

from typing import Annotated

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

from mocklend.api.fields import Currency, Doc
from mocklend.api.nouns import ChannelId, ChannelTradeNo, CutOff, OutTradeNo, PayerName, PayerReference, StatementReady
from mocklend.api.openapi import described
from mocklend.api.request_context import open_snapshot
from mocklend.api.responses import rendered
from mocklend.channels.settlement import callback_doc, trade_doc
from mocklend.domain.channel import channel_of
from mocklend.domain.channel import channels as known_channels
from mocklend.domain.problems import Refused
from mocklend.domain.statuses import DeliveryState, TradeState
from mocklend.sandboxes.ids import callback_of, money_of
from mocklend.storage.entities import Callback, Trade
from mocklend.validation import OneOf

channels = APIBlueprint("channels", __name__)


class ChannelDoc(Doc):
    """A way to pay. `callback_after_s` is the ladder on which it retries a callback.

    Its days end at `cut_off`, and the statement of one can be had on the next from `statement_ready` on.
    """

    id: str = Field(description="The channel's id.")
    name: str = Field(description="The channel's name.")
    settle_delay_s: int = Field(description="Seconds from an order to its payment, on the sandbox's clock.")
    profile: str = Field(description="The name of the retry schedule of its callbacks.")
    callback_after_s: list[int] = Field(
        description="Seconds before each attempt of a callback, counted from the one before it."
    )
    cut_off: CutOff
    statement_ready: StatementReady


class ChannelList(Doc):
    """Every channel."""

    channels: list[ChannelDoc] = Field(description="The channels, by their ids.")


class TradeDoc(Doc):
    """A channel's own record of a payment."""

    channel: ChannelId
    out_trade_no: OutTradeNo
    channel_trade_no: ChannelTradeNo | None
    amount_minor: int = Field(description="The amount of the order, in minor units of `currency`.")
    currency: Currency
    state: Annotated[str, OneOf(tuple(TradeState))] = Field(
        description="CREATED, SUCCESS when it was paid, CLOSED when nobody paid in time, RETURNED when "
        "the money was taken back."
    )
    payer_name: PayerName | None
    payer_reference: PayerReference | None
    created_at: str = Field(description="When the order was made. RFC 3339, on the sandbox's clock.")
    paid_at: str | None = Field(description="When it was paid; null if it was not. RFC 3339, on the sandbox's clock.")
    returned_at: str | None = Field(
        description="When the channel took the money back; null if it did not. RFC 3339, on the sandbox's clock."
    )


class AttemptDoc(Doc):
    """One attempt to deliver a callback. What is sent besides, such as a copy, has the number of its attempt."""

    n: int = Field(description="The attempt's number, from 1.")
    at: str = Field(description="When it was made. RFC 3339, on the sandbox's clock.")
    event: str = Field(description="What was sent: the callback, a copy of it, or an altered one.")
    outcome: str = Field(description="What came of it: what the platform answered, or how it was lost.")


class CallbackDoc(Doc):
    """A callback's delivery log."""

    id: str = Field(description="The callback's id.")
    channel: ChannelId
    out_trade_no: OutTradeNo
    state: Annotated[str, OneOf(tuple(DeliveryState))] = Field(
        description="QUEUED before its first attempt, RETRY between attempts, ACKED when it was taken, "
        "EXHAUSTED when no attempt is left."
    )
    attempts: list[AttemptDoc] = Field(description="Every attempt to deliver it, oldest first.")
    next_attempt_at: str | None = Field(
        description="When it is tried again; null when no attempt is left or needed. RFC 3339, on the sandbox's clock."
    )
    acked_at: str | None = Field(
        description="When the receiver answered with 2xx; null until then. RFC 3339, on the sandbox's clock."
    )
    applied_at: str | None = Field(
        description="When its money went on the books; null until then. RFC 3339, on the sandbox's clock."
    )


@channels.get("/channels")
@channels.output(ChannelList)
@channels.doc(**described("listChannels"))
def list_channels() -> Response:
    """Every channel, with its settling delay and the ladder of its callbacks."""
    return rendered(
        {
            "channels": [
                {
                    "id": one.id,
                    "name": one.name,
                    "settle_delay_s": one.settle_delay_s,
                    "profile": one.profile,
                    "callback_after_s": list(one.ladder),
                    "cut_off": one.cut_off,
                    "statement_ready": one.statement_ready,
                }
                for one in known_channels().values()
            ]
        }
    )


@channels.get("/channels/<id:channel>/trades/<id:out_trade_no>")
@channels.output(TradeDoc)
@channels.doc(**described("getTrade", "channel_unknown", "trade_unknown"))
def get_trade(channel: str, out_trade_no: str) -> Response:
    """An order query: what the channel has on record."""
    channel_of(channel)
    with open_snapshot() as snapshot:
        trade = snapshot.find(Trade, out_trade_no)
    if trade is None or trade.channel != channel:
        raise _unknown(channel, out_trade_no)
    return rendered(trade_doc(trade))


@channels.get("/channels/<id:channel>/callbacks/<id:out_trade_no>")
@channels.output(CallbackDoc)
@channels.doc(**described("getCallback", "channel_unknown", "trade_unknown"))
def get_callback(channel: str, out_trade_no: str) -> Response:
    """The delivery log of a trade's callback. There is none before the trade has settled."""
    channel_of(channel)
    with open_snapshot() as snapshot:
        callback = snapshot.find(Callback, callback_of(money_of(out_trade_no)))
    if callback is None or (callback.channel, callback.out_trade_no) != (channel, out_trade_no):
        raise _unknown(channel, out_trade_no)
    return rendered(callback_doc(callback))


def _unknown(channel: str, out_trade_no: str) -> Refused:
    return Refused("trade_unknown", f"{channel} has nothing under {out_trade_no}", out_trade_no=out_trade_no)
