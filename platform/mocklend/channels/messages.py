"""The wire format of callbacks: writing and reading them.

{"type": "payment.succeeded", "timestamp": "…", "data": {"version": "1.0", "out_trade_no": "…", …}}

Each type of message is a class, by which it is written, read and documented. Every payment reads one, so msgspec
decodes it; a refusal has one code and one sentence, as channels expect.
"""

from __future__ import annotations

import json
from typing import Annotated, Literal, TypedDict

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from mocklend.domain.facts import RETURN_PREFIX
from mocklend.domain.money import MAX_MINOR
from mocklend.domain.problems import Refused
from mocklend.domain.statuses import TradeState
from mocklend.sandboxes.timestamps import parse_rfc3339, rfc3339
from mocklend.storage.entities import Trade
from mocklend.textfiles import unmarked

VERSION: Literal["1.0"] = "1.0"
PUSH = "payment.received"
"""The type of a callback about a push payment."""
PAID = "payment.succeeded"
"""The type of a callback about an order that was paid."""
CLOSED = "payment.closed"
"""The type of a callback about an order that the channel has closed."""
PAYMENT_RETURN = "payment.returned"
"""The type of a callback about money that the channel has returned."""
STATES = {
    PAID: TradeState.SUCCESS,
    PUSH: TradeState.SUCCESS,
    CLOSED: TradeState.CLOSED,
    PAYMENT_RETURN: TradeState.RETURNED,
}
"""By type of callback: the state that it reports."""

# Text that every engine can store and show unchanged: printable ASCII, without a line break at the end.
PLAIN = Meta(min_length=1, max_length=64, pattern=r"^[ -~]+(?![\s\S])")
Moment = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]


class OrderData(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The fields of every callback about an order."""

    version: Annotated[Literal["1.0"], Meta(description="The version of this format.")]
    out_trade_no: Annotated[str, PLAIN, Meta(description="The order's number, assigned by the platform.")]
    channel_trade_no: Annotated[str, PLAIN, Meta(description="The payment's number, assigned by the channel.")]
    amount_minor: Annotated[
        int,
        Meta(
            ge=-MAX_MINOR,
            le=MAX_MINOR,
            description="The amount paid, or ordered and not paid, in minor units of `currency`.",
        ),
    ]
    currency: Annotated[str, PLAIN, Meta(description="The currency, by its ISO 4217 code.")]
    paid_at: Annotated[Moment, Meta(description="When it was paid; for CLOSED, when the order was closed.")]

    @property
    def paid_ms(self) -> int:
        """`paid_at` in milliseconds."""
        return parse_rfc3339(self.paid_at)


class PaidData(OrderData, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An order that was paid."""

    state: Annotated[Literal["SUCCESS"], Meta(description="The order's state at the channel.")]


class PushData(PaidData, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A push payment."""

    payer_name: Annotated[str, Meta(description="The payer's name.")]
    payer_reference: Annotated[str, Meta(description="The reference that the payer entered.")]
    scope: Annotated[str, Meta(description="CLEAR or OVD_AND_CURRENT, as the payer intended.")]


class ClosedData(OrderData, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An order that the channel has closed."""

    state: Annotated[Literal["CLOSED"], Meta(description="The order's state at the channel.")]


class PaymentReturnData(OrderData, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Money that the channel has returned."""

    state: Annotated[Literal["RETURNED"], Meta(description="The order's state at the channel.")]
    returned_at: Annotated[Moment, Meta(description="When the channel returned the money.")]

    @property
    def returned_ms(self) -> int:
        """`returned_at` in milliseconds."""
        return parse_rfc3339(self.returned_at)


class Callback(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    """A message of a channel."""

    timestamp: Annotated[Moment | UnsetType, Meta(description="When the channel wrote it, on the sandbox's clock.")] = (
        UNSET
    )


class Paid(Callback, frozen=True, kw_only=True, tag=PAID):
    """An order was paid."""

    data: PaidData


class Push(Callback, frozen=True, kw_only=True, tag=PUSH):
    """A push payment came in."""

    data: PushData


class Closed(Callback, frozen=True, kw_only=True, tag=CLOSED):
    """The channel has closed an order."""

    data: ClosedData


class PaymentReturn(Callback, frozen=True, kw_only=True, tag=PAYMENT_RETURN):
    """The channel has returned money that it had reported."""

    data: PaymentReturnData


Message = Paid | Push | Closed | PaymentReturn


class _FormData(Struct):
    version: object
    out_trade_no: Annotated[str, PLAIN]
    channel_trade_no: Annotated[str, PLAIN]
    state: str
    amount_minor: Annotated[int, Meta(ge=-MAX_MINOR, le=MAX_MINOR)]
    currency: Annotated[str, PLAIN]
    paid_at: str


class _Form(Struct):
    """The common fields of all versions and types, read only to explain a refusal."""

    data: _FormData
    type: object = None


_MESSAGE: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)


class _OrderFields(TypedDict):
    version: Literal["1.0"]
    out_trade_no: str
    channel_trade_no: str
    amount_minor: int
    currency: str


def _order(trade: Trade) -> _OrderFields:
    return {
        "version": VERSION,
        "out_trade_no": trade.id,
        "channel_trade_no": _number(trade),
        "amount_minor": trade.amount_minor,
        "currency": trade.currency,
    }


def callback_body(trade: Trade, timestamp: str) -> str:
    """The callback of a paid trade. It reports the payment, even if it was returned since."""
    assert trade.paid_ms is not None, "a callback follows a payment"
    if event_of(trade.repayment_id) == PUSH:
        assert trade.payer_name is not None, "a push payment has a payer"
        assert trade.payer_reference is not None, "a push payment has a reference"
        push = PushData(
            **_order(trade),
            state="SUCCESS",
            paid_at=rfc3339(trade.paid_ms),
            payer_name=trade.payer_name,
            payer_reference=trade.payer_reference,
            scope=trade.scope,
        )
        return _encode(Push(timestamp=timestamp, data=push))
    return _encode(paid_message(trade, timestamp))


def paid_message(trade: Trade, timestamp: str) -> Paid:
    """The callback of a paid order, as `read_callback` returns it from its body."""
    assert trade.paid_ms is not None, "a callback follows a payment"
    data = PaidData(
        version=VERSION,
        out_trade_no=trade.id,
        channel_trade_no=_number(trade),
        amount_minor=trade.amount_minor,
        currency=trade.currency,
        state="SUCCESS",
        paid_at=rfc3339(trade.paid_ms),
    )
    return Paid(timestamp=timestamp, data=data)


def event_of(fact_id: str) -> str:
    """The type of the callback about a repayment, a push payment's receipt, or the payment return of one of them."""
    if fact_id.startswith(RETURN_PREFIX):
        return PAYMENT_RETURN
    return PUSH if fact_id.startswith("rct_") else PAID


def body_of(event: str, trade: Trade, timestamp: str) -> str:
    """The callback about a trade, of one of the types that `event_of` names."""
    return payment_return_body(trade, timestamp) if event == PAYMENT_RETURN else callback_body(trade, timestamp)


def payment_return_body(trade: Trade, timestamp: str) -> str:
    """The callback of a payment return."""
    assert trade.paid_ms is not None, "a payment return follows a payment"
    assert trade.returned_ms is not None, "the trade has failed"
    data = PaymentReturnData(
        **_order(trade),
        state="RETURNED",
        paid_at=rfc3339(trade.paid_ms),
        returned_at=rfc3339(trade.returned_ms),
    )
    return _encode(PaymentReturn(timestamp=timestamp, data=data))


def closed_body(trade: Trade, timestamp: str) -> str:
    """The callback of an order that was not paid in time. `timestamp` is the time of closing."""
    data = ClosedData(
        **_order(trade),
        state="CLOSED",
        paid_at=timestamp,
    )
    return _encode(Closed(timestamp=timestamp, data=data))


def read_callback(body: bytes) -> Message:
    """The callback of a body, with valid moments. Raises Refused `callback_malformed`, `callback_version_stale`."""
    plain = unmarked(body)
    try:
        message = _MESSAGE.decode(plain)
    except (ValueError, RecursionError) as error:
        raise _refusal(plain, error) from None
    moments = [("paid_at", message.data.paid_at), ("timestamp", message.timestamp)]
    if isinstance(message, PaymentReturn):
        moments.append(("returned_at", message.data.returned_at))
    for name, moment in moments:
        if isinstance(moment, str):
            _require_moment(name, moment)
    return message


def _refusal(body: bytes, error: Exception) -> Refused:
    """The refusal of an invalid body: another version has its own code, and precedes another type."""
    reason = str(error).encode("ascii", "backslashreplace").decode()[:200]
    malformed = Refused("callback_malformed", f"a field is missing or invalid: {reason}")
    try:
        # Another version may have any content, even what msgspec cannot decode.
        form = msgspec.convert(json.loads(body), _Form)
        parse_rfc3339(form.data.paid_at)
    except (ValueError, OverflowError, RecursionError):
        return malformed
    version, kind = form.data.version, form.type
    if version != VERSION:
        return Refused(
            "callback_version_stale",
            "the inbox does not read this version",
            expected=VERSION,
            received=ascii(version)[:64],
        )
    if not isinstance(kind, str) or kind not in STATES:
        return Refused(
            "callback_malformed", "no channel sends this type", expected=list(STATES), received=ascii(kind)[:64]
        )
    return malformed


def _require_moment(name: str, text: str) -> None:
    try:
        parse_rfc3339(text)
    except (ValueError, OverflowError):
        raise Refused("callback_malformed", f"{name} is not a valid moment") from None


def _number(trade: Trade) -> str:
    assert trade.channel_trade_no is not None, "a reported trade has a number"
    return trade.channel_trade_no


def _encode(message: Message) -> str:
    return msgspec.json.encode(message).decode()
