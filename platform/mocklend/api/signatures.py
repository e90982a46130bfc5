"""What /openapi.json says of signatures, webhooks and the hash chain: docs/signatures.md at length, here in short.

webhooks: an entry for each type of event: the headers that sign it, its payload, what to answer
"""

from __future__ import annotations

from typing import Any

from mocklend.webhooks.events import EVENTS, payload_schema

SIGNATURE_RULE = (
    "v1, and the Base64 of the HMAC-SHA256 of `webhook-id.webhook-timestamp.body`, as the bytes that were sent, under "
    "the key: what follows `whsec_` in the secret, decoded from Base64. Several may stand there, with blanks between; "
    "one that fits is enough."
)
CALLBACK_SECRET_RULE = (
    "The secret is `whsec_` and the Base64 of the HMAC-SHA256 of the text `callback:<channel>` under the sandbox's "
    "`api_key`."
)

SIGNED: dict[str, dict[str, Any]] = {
    "webhook-id": {
        "description": "The message's id, the same when it is sent again.",
        "schema": {"type": "string", "minLength": 1},
    },
    "webhook-timestamp": {
        "description": "When this attempt was made, in whole seconds since 1970. A receiver refuses it 300 s off.",
        "schema": {"type": "string", "pattern": "^[0-9]{1,12}$"},
    },
    "webhook-signature": {
        "description": SIGNATURE_RULE,
        "schema": {"type": "string", "minLength": 1},
    },
}
"""Standard Webhooks' headers, as OpenAPI has them."""


def webhooks() -> dict[str, Any]:
    """The `webhooks` of the document: what is sent to a client's endpoint, for each type of event."""
    return {event: {"post": _webhook(event)} for event in EVENTS}


def _webhook(event: str) -> dict[str, Any]:
    answers = {
        "2XX": "The message was taken.",
        "410": "The endpoint is gone: the message is not sent again.",
        "default": "The message is sent again, on the retry schedule of the endpoint's profile.",
    }
    return {
        "operationId": f"webhook.{event}",
        "summary": EVENTS[event].when,
        "description": "Signed with the endpoint's `secret`; the timestamp of the header is real time.",
        "tags": ["Webhooks"],
        "parameters": [{"name": name, "in": "header", "required": True, **one} for name, one in SIGNED.items()],
        "requestBody": {"required": True, "content": {"application/json": {"schema": payload_schema(event)}}},
        "responses": {status: {"description": what} for status, what in answers.items()},
    }
