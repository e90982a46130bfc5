"""Channels: the list of them, the order query, and the delivery log of callbacks."""

from __future__ import annotations

from typing import Annotated, TypedDict

from apiflask import APIBlueprint
from flask import Response

from mocklend.api.documents import document
from mocklend.api.openapi import operation
from mocklend.api.request_context import open_snapshot
from mocklend.api.responses import rendered
from mocklend.channels.settlement import CallbackDoc, TradeDoc, callback_doc, trade_doc
from mocklend.domain.channel import channel_of
from mocklend.domain.channel import channels as known_channels
from mocklend.domain.nouns import CutOff, StatementReady, says
from mocklend.domain.problems import Refused
from mocklend.sandboxes.ids import callback_of, money_of
from mocklend.storage.entities import Callback, Trade

channels = APIBlueprint("channels", __name__)


class ChannelDoc(TypedDict):
    """A way to pay. Its business day ends at `cut_off`; the day's statement is ready at `statement_ready` next day."""

    id: Annotated[str, says("The channel's id.")]
    name: Annotated[str, says("The channel's name.")]
    settle_delay_s: Annotated[int, says("Seconds from an order to its payment, on the sandbox's clock.")]
    profile: Annotated[str, says("The name of the retry schedule of its callbacks.")]
    callback_after_s: Annotated[
        list[int], says("The retry schedule of its callbacks: seconds before each attempt, from the previous one.")
    ]
    cut_off: CutOff
    statement_ready: StatementReady


class ChannelList(TypedDict):
    """Every channel."""

    channels: Annotated[list[ChannelDoc], says("The channels, by their ids.")]


@channels.get("/channels")
@channels.output(document(ChannelList))
@channels.doc(**operation("listChannels"))
def list_channels() -> Response:
    """Every channel, with its settlement delay and the retry schedule of its callbacks."""
    return rendered(
        {
            "channels": [
                {
                    "id": channel.id,
                    "name": channel.name,
                    "settle_delay_s": channel.settle_delay_s,
                    "profile": channel.profile,
                    "callback_after_s": list(channel.retry_schedule),
                    "cut_off": channel.cut_off,
                    "statement_ready": channel.statement_ready,
                }
                for channel in known_channels().values()
            ]
        }
    )


@channels.get("/channels/<id:channel>/trades/<id:out_trade_no>")
@channels.output(document(TradeDoc))
@channels.doc(**operation("getTrade", "channel_unknown", "trade_unknown"))
def get_trade(channel: str, out_trade_no: str) -> Response:
    """Query an order at its channel: the channel's own record of the payment."""
    channel_of(channel)
    with open_snapshot() as snapshot:
        trade = snapshot.find(Trade, out_trade_no)
    if trade is None or trade.channel != channel:
        raise _unknown(channel, out_trade_no)
    return rendered(trade_doc(trade))


@channels.get("/channels/<id:channel>/callbacks/<id:out_trade_no>")
@channels.output(document(CallbackDoc))
@channels.doc(**operation("getCallback", "channel_unknown", "trade_unknown"))
def get_callback(channel: str, out_trade_no: str) -> Response:
    """The delivery log of a trade's callback. Before the trade has settled: 404 `trade_unknown`."""
    channel_of(channel)
    with open_snapshot() as snapshot:
        callback = snapshot.find(Callback, callback_of(money_of(out_trade_no)))
    if callback is None or (callback.channel, callback.out_trade_no) != (channel, out_trade_no):
        raise _unknown(channel, out_trade_no)
    return rendered(callback_doc(callback))


def _unknown(channel: str, out_trade_no: str) -> Refused:
    return Refused("trade_unknown", f"{channel} has nothing under {out_trade_no}", out_trade_no=out_trade_no)
