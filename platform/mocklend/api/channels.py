"""Channels: the list of them, their trades, and the callbacks by which they report these, sent again on request."""

from __future__ import annotations

from typing import Annotated, TypedDict

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

from mocklend.api.documents import document
from mocklend.api.failures import refuse_a_body
from mocklend.api.nouns import ChannelId, LoanId
from mocklend.api.openapi import BODY_CODES, operation
from mocklend.api.pagination import Paged, decode_cursor
from mocklend.api.request_context import open_snapshot, run, sandbox_id
from mocklend.api.responses import answered, rendered
from mocklend.api.sandboxes import NOTHING
from mocklend.channels.callbacks import ResendCallback
from mocklend.channels.settlement import CallbackDoc, TradeDoc, callback_doc, trade_doc
from mocklend.domain.channel import channel_of
from mocklend.domain.channel import channels as known_channels
from mocklend.domain.nouns import CutOff, NextCursor, StatementReady, says
from mocklend.domain.problems import Refused
from mocklend.domain.statuses import DeliveryState, TradeState
from mocklend.sandboxes.ids import callback_of, money_of
from mocklend.storage.entities import Callback, Trade
from mocklend.storage.snapshot import Snapshot
from mocklend.validation import OneOf
from mocklend.views import messages
from mocklend.views.reads import Lists

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


class TradeQuery(Paged):
    """Filters of the list of trades."""

    state: Annotated[str, OneOf(tuple(TradeState))] | None = Field(
        default=None, description="Only trades in this state."
    )
    channel: ChannelId | None = None
    loan_id: LoanId | None = None


class TradeList(TypedDict):
    """A page of trades."""

    trades: Annotated[list[TradeDoc], says("The trades of this page, by their order numbers.")]
    next_cursor: NextCursor | None


class CallbackQuery(Paged):
    """Filters of the list of callbacks."""

    state: Annotated[str, OneOf(tuple(DeliveryState))] | None = Field(
        default=None, description="Only callbacks in this state."
    )
    channel: ChannelId | None = None
    loan_id: LoanId | None = None


class CallbackList(TypedDict):
    """A page of callbacks."""

    callbacks: Annotated[list[CallbackDoc], says("The callbacks of this page, the newest first.")]
    next_cursor: NextCursor | None


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


@channels.get("/channels/trades")
@channels.input(TradeQuery, location="query", arg_name="query")
@channels.output(document(TradeList))
@channels.doc(**operation("listTrades", "channel_unknown"))
def list_trades(query: TradeQuery) -> Response:
    """The trades of all channels, by their order numbers.

    A page looks at 1,000 trades: with a filter it may be short, and `next_cursor` still goes on.
    """
    if query.channel is not None:
        channel_of(query.channel)
    with open_snapshot() as snapshot:
        page, cursor = messages.trades(
            snapshot,
            loan_id=query.loan_id,
            state=query.state,
            channel=query.channel,
            after=decode_cursor(Lists.TRADES, query.cursor),
            limit=query.limit,
        )
    return rendered(TradeList(trades=[trade_doc(trade) for trade in page], next_cursor=cursor))


@channels.get("/channels/callbacks")
@channels.input(CallbackQuery, location="query", arg_name="query")
@channels.output(document(CallbackList))
@channels.doc(**operation("listCallbacks", "channel_unknown"))
def list_callbacks(query: CallbackQuery) -> Response:
    """The callbacks of all channels, the newest first, each with its attempts and its body.

    A page looks at 1,000 callbacks: with a filter it may be short, and `next_cursor` still goes on.
    """
    if query.channel is not None:
        channel_of(query.channel)
    with open_snapshot() as snapshot:
        return rendered(callbacks_of(snapshot, query))


def callbacks_of(snapshot: Snapshot, query: CallbackQuery) -> CallbackList:
    """A page of the list of callbacks."""
    page, cursor = messages.messages(
        snapshot,
        Callback,
        loan_id=query.loan_id,
        state=query.state,
        channel=query.channel,
        after=decode_cursor(Lists.CALLBACKS, query.cursor),
        limit=query.limit,
    )
    trades = snapshot.by_id(Trade, [callback.out_trade_no for callback in page])
    listed = [callback_doc(callback, trades[callback.out_trade_no]) for callback in page]
    return CallbackList(callbacks=listed, next_cursor=cursor)


@channels.post("/channels/callbacks/<id:callback_id>/resend")
@channels.output(document(CallbackDoc))
@channels.doc(**operation("resendCallback", "callback_unknown", *BODY_CODES, reads=NOTHING))
def resend_callback(callback_id: str) -> Response:
    """Let a channel send a callback once more, at once and as it is: no fault loses or alters it.

    `attempts` says what came of it. The inbox takes each payment once, so a repeat does no harm.
    """
    refuse_a_body()
    return answered(run(ResendCallback(sandbox_id(), callback_id)))


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
        return rendered(callback_doc(callback, snapshot.get(Trade, out_trade_no)))


def _unknown(channel: str, out_trade_no: str) -> Refused:
    return Refused("trade_unknown", f"{channel} has nothing under {out_trade_no}", out_trade_no=out_trade_no)
