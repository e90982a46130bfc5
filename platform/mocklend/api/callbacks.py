"""The inbox: where channels say that they have been paid. Signed, verified and idempotent by trade number."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import Field

from mocklend.api.fields import Doc
from mocklend.api.json_body import asked_request, parse
from mocklend.api.openapi import described
from mocklend.api.request_context import run, sandbox_id
from mocklend.api.responses import answered
from mocklend.api.signatures import CALLBACK_SECRET_RULE, SIGNED
from mocklend.channels.inbox import ReceiveCallback
from mocklend.channels.messages import STATES
from mocklend.domain.problems import Refused
from mocklend.domain.statuses import TradeState

callbacks = APIBlueprint("callbacks", __name__)

_STATES = [TradeState.SUCCESS, TradeState.CLOSED, TradeState.RETURNED]


class Received(Doc):
    """The callback was taken."""

    received: bool = Field(description="Always true.")


def _text(meaning: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "description": meaning, **more}


_PLAIN: dict[str, Any] = {"minLength": 1, "maxLength": 64}
_MOMENT = {"format": "date-time"}
CALLBACK_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["type", "data"],
    "properties": {
        "type": _text("What the channel tells.", enum=list(STATES)),
        "timestamp": _text("When the channel wrote it, on the sandbox's clock.", **_MOMENT),
        "data": {
            "type": "object",
            "description": "The fields of the type, and no others.",
            "required": [
                "version", "out_trade_no", "channel_trade_no", "state", "amount_minor", "currency", "paid_at",
            ],
            "properties": {
                "version": _text("The version of this form.", enum=["1.0"]),
                "out_trade_no": _text("The order's number, as the platform gave it to the channel.", **_PLAIN),
                "channel_trade_no": _text("The payment's number, as the channel gave it.", **_PLAIN),
                "state": _text("The order's state at the channel.", enum=_STATES),
                "amount_minor": {
                    "type": "integer",
                    "description": "What was paid, or ordered and not paid, in minor units of `currency`.",
                },
                "currency": _text("The currency, by its ISO 4217 code.", **_PLAIN),
                "paid_at": _text("When it was paid; for CLOSED, when the order was closed.", **_MOMENT),
                "returned_at": _text("For RETURNED: when the channel took the money back.", **_MOMENT),
                "payer_name": _text("For a payment without an order: who paid."),
                "payer_reference": _text("For a payment without an order: what the payer typed."),
                "scope": _text("For a payment without an order: CLEAR or OVD_AND_CURRENT, as the payer meant it."),
            },
        },
    },
}  # fmt: skip


@callbacks.post("/v1/callbacks/<id:channel>")
@callbacks.output(Received)
@callbacks.doc(
    **described(
        "receiveCallback", "channel_unknown", "callback_malformed", "callback_signature_invalid", "trade_unknown",
        "callback_amount_mismatch", "callback_version_stale", "callback_out_of_order",
        "body_too_large", "body_too_many_values", "body_too_deep", "text_not_storable",
        reads={
            "required": True,
            "description": f"Signed by the channel, on the sandbox's clock. {CALLBACK_SECRET_RULE}",
            "content": {"application/json": {"schema": CALLBACK_SCHEMA}},
        },
        headers=SIGNED,
    )
)  # fmt: skip
def receive_callback(channel: str) -> Response:
    """Take a channel's callback: 200 once the books have it, also when they had it before."""
    body = asked_request().body()
    _refuse_unreadable(body)
    headers = {name: request.headers.get(name, "") for name in SIGNED}
    return answered(run(ReceiveCallback(sandbox_id(), channel, headers, body)))


def _refuse_unreadable(body: bytes) -> None:
    """What no inbox could read is malformed, whoever signed it. The bytes go on as they are: those are signed."""
    try:
        parse(body)
    except Refused as refused:
        if refused.code in ("body_too_many_values", "body_too_deep", "text_not_storable"):
            raise
        raise Refused("callback_malformed", refused.detail) from None
