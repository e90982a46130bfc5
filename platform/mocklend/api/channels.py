"""What the channels offer: themselves, an order query, and the log of their callbacks."""

from __future__ import annotations

from typing import Annotated

from apiflask import APIBlueprint
from flask import Response

from mocklend.api.answers import rendered
from mocklend.api.asking import snapshot
from mocklend.api.fields import Choice, Doc
from mocklend.api.openapi import described
from mocklend.channels.settlement import callback_doc, trade_doc
from mocklend.domain.channel import channel_of
from mocklend.domain.channel import channels as known_channels
from mocklend.domain.problems import Refused
from mocklend.sandboxes.ids import callback_of, money_of
from mocklend.storage.entities import Callback, Trade
from mocklend.storage.stores import load_all

channels = APIBlueprint("channels", __name__)


class ChannelDoc(Doc):
    """A way to pay. `callback_after_s` is the ladder on which it retries a callback.

    Its days end at `cut_off`, and the statement of one can be had on the next from `statement_ready` on.
    """

    id: str
    name: str
    settle_delay_s: int
    profile: str
    callback_after_s: list[int]
    cut_off: str
    statement_ready: str


class ChannelList(Doc):
    """Every channel."""

    channels: list[ChannelDoc]


class TradeDoc(Doc):
    """A channel's own record of a payment."""

    channel: str
    out_trade_no: str
    channel_trade_no: str | None
    amount_minor: int
    currency: str
    state: Annotated[str, Choice(("CREATED", "SUCCESS", "CLOSED", "LATE_FAILED"))]
    payer_name: str | None
    payer_reference: str | None
    created_at: str
    paid_at: str | None
    failed_at: str | None


class AttemptDoc(Doc):
    """One attempt to deliver a callback. What is sent besides, such as a copy, has the number of its attempt."""

    n: int
    at: str
    event: str
    outcome: str


class CallbackDoc(Doc):
    """A callback's delivery log."""

    id: str
    channel: str
    out_trade_no: str
    state: Annotated[str, Choice(("QUEUED", "RETRY", "ACKED", "EXHAUSTED"))]
    attempts: list[AttemptDoc]
    next_attempt_at: str | None
    acked_at: str | None
    applied_at: str | None


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
    with snapshot() as (connection, sandbox, _):
        key = ("trade", out_trade_no)
        trade: Trade | None = load_all(connection, [(sandbox, key)])[(sandbox, key)]
    if trade is None or trade.channel != channel:
        raise _unknown(channel, out_trade_no)
    return rendered(trade_doc(trade))


@channels.get("/channels/<id:channel>/callbacks/<id:out_trade_no>")
@channels.output(CallbackDoc)
@channels.doc(**described("getCallback", "channel_unknown", "trade_unknown"))
def get_callback(channel: str, out_trade_no: str) -> Response:
    """The delivery log of a trade's callback. There is none before the trade has settled."""
    channel_of(channel)
    with snapshot() as (connection, sandbox, _):
        key = ("callback", callback_of(money_of(out_trade_no)))
        callback: Callback | None = load_all(connection, [(sandbox, key)])[(sandbox, key)]
    if callback is None or (callback.channel, callback.out_trade_no) != (channel, out_trade_no):
        raise _unknown(channel, out_trade_no)
    return rendered(callback_doc(callback))


def _unknown(channel: str, out_trade_no: str) -> Refused:
    return Refused("trade_unknown", f"{channel} has nothing under {out_trade_no}", out_trade_no=out_trade_no)
