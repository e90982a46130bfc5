"""The callback inbox: channels report payments here. Callbacks are signed, and idempotent by trade number."""

from __future__ import annotations

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
from mocklend.domain.nouns import JsonObject
from mocklend.domain.problems import Refused
from mocklend.validation import schema_of

callbacks = APIBlueprint("callbacks", __name__)


def _callback_schema() -> JsonObject:
    """The JSON Schema of a callback, from the classes of its messages. The tag `type` gets its description here."""
    schema = schema_of(msgspec.json.schema(Message))
    for message in schema["anyOf"]:
        message["properties"]["type"] |= {"type": "string", "description": "The type of the message."}
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
    """Receive a channel's callback. 200 means that it is on the books, from this attempt or an earlier one."""
    body = asked_request().body()
    _refuse_unreadable(body)
    headers = {name: request.headers.get(name, "") for name in SIGNED}
    return answered(run(ReceiveCallback(sandbox_id(), channel, headers, body)))


def _refuse_unreadable(body: bytes) -> None:
    """Refused `callback_malformed` where the body is no JSON. The command gets the bytes: the signature covers them."""
    try:
        parse(body)
    except Refused as refused:
        if refused.code in ("body_too_many_values", "body_too_deep", "text_not_storable"):
            raise
        raise Refused("callback_malformed", refused.detail) from None
