"""The wire format of callbacks: what a channel sends, and how it is read.

{"type": "payment.succeeded", "timestamp": "…", "data": {"version": "1.0", "out_trade_no": "…", …}}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mocklend.domain.facts import RETURN_PREFIX
from mocklend.domain.money import MAX_MINOR
from mocklend.domain.problems import Refused
from mocklend.domain.statuses import TradeState
from mocklend.sandboxes.timestamps import parse_rfc3339, rfc3339
from mocklend.storage.entities import Trade

VERSION = "1.0"
PUSH = "payment.received"
"""The type of a callback about money that no order of ours asked for."""
PAID = "payment.succeeded"
"""The type of a callback about an order that was paid."""
CLOSED = "payment.closed"
"""The type of a callback about an order that the channel has given up."""
PAYMENT_RETURN = "payment.returned"
"""The type of a callback about money that the channel has taken back."""
STATES = {
    PAID: TradeState.SUCCESS,
    PUSH: TradeState.SUCCESS,
    CLOSED: TradeState.CLOSED,
    PAYMENT_RETURN: TradeState.RETURNED,
}
"""The types of callbacks that there are, and the state that each tells of."""
DATA = frozenset({"version", "out_trade_no", "channel_trade_no", "state", "amount_minor", "currency", "paid_at"})
PAYER = frozenset({"payer_name", "payer_reference", "scope"})
FIELDS = {PAID: DATA, PUSH: DATA | PAYER, CLOSED: DATA, PAYMENT_RETURN: DATA | {"returned_at"}}
"""The fields that the data of each type has, all of them and no other."""


def callback_body(trade: Trade, timestamp: str) -> str:
    """What a channel sends when it has been paid."""
    assert trade.paid_ms is not None, "a callback follows a payment"
    data: dict[str, Any] = {
        "version": VERSION,
        "out_trade_no": trade.id,
        "channel_trade_no": trade.channel_trade_no,
        "state": TradeState.SUCCESS,  # It tells of the payment, whatever became of that since.
        "amount_minor": trade.amount_minor,
        "currency": trade.currency,
        "paid_at": rfc3339(trade.paid_ms),
    }
    kind = event_of(trade.repayment_id)
    if kind == PUSH:
        named = {"payer_name": trade.payer_name, "payer_reference": trade.payer_reference, "scope": trade.scope}
        data |= named
    return json.dumps({"type": kind, "timestamp": timestamp, "data": data}, separators=(",", ":"))


def event_of(fact_id: str) -> str:
    """The type of the callback about a repayment, a push payment's receipt, or the payment return of one of them."""
    if fact_id.startswith(RETURN_PREFIX):
        return PAYMENT_RETURN
    return PUSH if fact_id.startswith("rct_") else PAID


def payment_return_body(trade: Trade, timestamp: str) -> str:
    """What a channel sends when it has taken back money that it had reported."""
    assert trade.paid_ms is not None, "a payment return follows a payment"
    assert trade.returned_ms is not None, "the trade has failed"
    data: dict[str, Any] = {
        "version": VERSION,
        "out_trade_no": trade.id,
        "channel_trade_no": trade.channel_trade_no,
        "state": STATES[PAYMENT_RETURN],
        "amount_minor": trade.amount_minor,
        "currency": trade.currency,
        "paid_at": rfc3339(trade.paid_ms),
        "returned_at": rfc3339(trade.returned_ms),
    }
    return json.dumps({"type": PAYMENT_RETURN, "timestamp": timestamp, "data": data}, separators=(",", ":"))


def closed_body(trade: Trade, timestamp: str) -> str:
    """What a channel says of an order that nobody paid in time. `timestamp` is when it thought so."""
    data: dict[str, Any] = {
        "version": VERSION,
        "out_trade_no": trade.id,
        "channel_trade_no": trade.channel_trade_no,
        "state": STATES[CLOSED],
        "amount_minor": trade.amount_minor,
        "currency": trade.currency,
        "paid_at": timestamp,
    }
    return json.dumps({"type": CLOSED, "timestamp": timestamp, "data": data}, separators=(",", ":"))


def read_callback(body: bytes) -> dict[str, Any]:
    """The callback's data, with `paid_ms`; or Refused."""
    try:
        whole = json.loads(body)
        kind, data = whole.get("type"), whole["data"]
        texts = [data[name] for name in ("out_trade_no", "channel_trade_no", "state", "currency", "paid_at")]
        amount, version = data["amount_minor"], data["version"]
        paid_ms = parse_rfc3339(data["paid_at"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        raise Refused("callback_malformed", "a field is missing or not what it should be") from None
    if type(amount) is not int or abs(amount) > MAX_MINOR or not all(_is_plain(text) for text in texts):
        raise Refused("callback_malformed", "a field is not what it should be")
    if version != VERSION:
        raise Refused(
            "callback_version_stale", "the version is not ours", expected=VERSION, received=ascii(version)[:64]
        )
    if not isinstance(kind, str) or kind not in STATES:
        raise Refused(
            "callback_malformed", "no channel sends this type", expected=list(STATES), received=ascii(kind)[:64]
        )
    if data["state"] != STATES[kind]:
        raise Refused("callback_malformed", "the state is not the one that this type tells of", expected=STATES[kind])
    if unknown := (whole.keys() - {"type", "timestamp", "data"}) | (data.keys() - FIELDS[kind]):
        raise Refused(
            "callback_malformed",
            "a field is none of this type's",
            expected=sorted(FIELDS[kind]),
            received=ascii(min(unknown))[:64],
        )
    if "timestamp" in whole:
        _moment(whole, "timestamp")
    if kind == PUSH and not all(isinstance(data.get(name), str) for name in PAYER):
        raise Refused("callback_malformed", "a push payment says who paid, and what they typed")
    returned_ms = _moment(data, "returned_at") if kind == PAYMENT_RETURN else None
    return {**data, "type": kind, "paid_ms": paid_ms, "returned_ms": returned_ms}


def _moment(data: Mapping[str, Any], name: str) -> int:
    try:
        return parse_rfc3339(data[name])
    except (ValueError, KeyError, TypeError, OverflowError):
        raise Refused("callback_malformed", f"{name} is missing or no moment") from None


def _is_plain(text: object) -> bool:
    """Whether a text can be stored and shown as it is, on any engine: no NUL, no half of a surrogate pair."""
    return isinstance(text, str) and 0 < len(text) <= 64 and text.isascii() and text.isprintable()
