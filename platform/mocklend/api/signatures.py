"""The descriptions of signatures and webhooks in /openapi.json. docs/signatures.md has the long form."""

from __future__ import annotations

from mocklend.domain.nouns import JsonObject
from mocklend.webhooks.events import EVENTS, payload_schema

SIGNATURE_RULE = (
    "`v1,` and the Base64 of the HMAC-SHA256 of `webhook-id.webhook-timestamp.body`, over the bytes as sent. The key "
    "is the part of the secret after `whsec_`, decoded from Base64. There may be several signatures, separated by "
    "blanks; one valid signature is enough."
)
CALLBACK_SECRET_RULE = (
    "The secret is `whsec_` and the Base64 of the HMAC-SHA256 of the text `callback:<channel>`, with the sandbox's "
    "`api_key` as key."
)

SIGNED: dict[str, JsonObject] = {
    "webhook-id": {
        "description": "The message's id, the same on every attempt.",
        "schema": {"type": "string", "minLength": 1},
    },
    "webhook-timestamp": {
        "description": "When this attempt was made, in whole seconds since 1970. Receivers refuse it if it is more "
        "than 300 s off.",
        "schema": {"type": "string", "pattern": "^[0-9]{1,12}$"},
    },
    "webhook-signature": {
        "description": SIGNATURE_RULE,
        "schema": {"type": "string", "minLength": 1},
    },
}
"""The headers of Standard Webhooks, as OpenAPI parameters."""


def webhooks() -> JsonObject:
    """The `webhooks` of the OpenAPI document: the message of each event."""
    return {event: {"post": _webhook(event)} for event in EVENTS}


def _webhook(event: str) -> JsonObject:
    answers = {
        "2XX": "The message was received.",
        "410": "The endpoint does not exist any more: the message is not sent again.",
        "default": "The message is sent again, on the retry schedule of the endpoint's profile.",
    }
    return {
        "operationId": f"webhook.{event}",
        "summary": EVENTS[event].when,
        "description": "Signed with the endpoint's `secret`. The header's timestamp is in real time.",
        "tags": ["Webhooks"],
        "parameters": [{"name": name, "in": "header", "required": True, **spec} for name, spec in SIGNED.items()],
        "requestBody": {"required": True, "content": {"application/json": {"schema": payload_schema(event)}}},
        "responses": {status: {"description": meaning} for status, meaning in answers.items()},
    }
