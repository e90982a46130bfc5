"""The inbox: where channels say that they have been paid. Signed, verified and idempotent by trade number."""

from __future__ import annotations

from typing import Any

import msgspec
from apiflask import APIBlueprint
from flask import Response, request

from mocklend.api.documents import document
from mocklend.api.json_body import asked_request, parse
from mocklend.api.openapi import operation
from mocklend.api.request_context import run, sandbox_id
from mocklend.api.responses import answered
from mocklend.api.signatures import CALLBACK_SECRET_RULE, SIGNED
from mocklend.channels.inbox import ReceiveCallback, Received
from mocklend.channels.messages import Message
from mocklend.domain.problems import Refused
from mocklend.validation import schema_of

callbacks = APIBlueprint("callbacks", __name__)


def _callback_schema() -> dict[str, Any]:
    """The form of a callback, as the messages' classes have it; of the tag between them they have no description."""
    schema = schema_of(msgspec.json.schema(Message))
    for message in schema["anyOf"]:
        message["properties"]["type"] |= {"type": "string", "description": "What the channel tells."}
    return schema


CALLBACK_SCHEMA = _callback_schema()


@callbacks.post("/v1/callbacks/<id:channel>")
@callbacks.output(document(Received))
@callbacks.doc(
    **operation(
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
