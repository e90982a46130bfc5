"""Standard Webhooks signatures, on the sandbox's clock.

The library signs; it would also verify, but against real time, and a sandbox may live in another year.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache

from standardwebhooks import Webhook

from mocklend.domain.numbers import SECOND_DIGITS, whole_number
from mocklend.domain.problems import Refused

TOLERANCE_S = 300
"""How far a signature's time may be from the clock, in seconds. Receivers usually allow 5 minutes."""


#: A signer of a secret: its key is decoded once.
_signer = lru_cache(maxsize=1024)(Webhook)


@lru_cache(maxsize=1024)
def _signature(secret: str, message_id: str, second: int, body: str) -> str:
    """The signature of a message. Cached, since the platform verifies the callbacks that it has just signed."""
    return _signer(secret).sign(message_id, datetime.fromtimestamp(second, UTC), body)


def hash_of_key(api_key: str) -> str:
    """Return the hash that is stored instead of an API key. Keys are long and random, so a plain hash is safe."""
    return hashlib.sha256(api_key.encode("utf-8", "surrogatepass")).hexdigest()


def secret_under(key: str, text: str) -> str:
    """Derive a secret from a key, for one purpose."""
    return "whsec_" + base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()).decode()


def signed_headers(secret: str, message_id: str, at_ms: int, body: str) -> dict[str, str]:
    """Return the three headers that sign `id.timestamp.body`."""
    second = at_ms // 1000
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(second),
        "webhook-signature": _signature(secret, message_id, second, body),
    }


def verify(secret: str, headers: Mapping[str, str], body: bytes, now_ms: int) -> str:
    """Check a message's signature and return the message's id.

    `now_ms` is the sandbox's time. Raises Refused `callback_signature_invalid`, `callback_malformed`.
    """
    message_id = headers.get("webhook-id", "")
    stamp = headers.get("webhook-timestamp", "")
    sent_s = whole_number(stamp, SECOND_DIGITS)
    if not message_id or sent_s is None:
        raise Refused(
            "callback_signature_invalid",
            "the headers webhook-id and webhook-timestamp are missing or malformed",
            expected=["webhook-id", "webhook-timestamp", "webhook-signature"],
        )
    if abs(sent_s - now_ms // 1000) > TOLERANCE_S:
        raise Refused(
            "callback_signature_invalid",
            f"the timestamp is more than {TOLERANCE_S} s from the sandbox's clock",
            expected=now_ms // 1000,
            received=int(stamp),
        )
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise Refused("callback_malformed", "the body is not UTF-8") from None
    expected = _signature(secret, message_id, int(stamp), text)
    offered = headers.get("webhook-signature", "").split(" ")
    if not any(hmac.compare_digest(expected.encode(), signature.encode()) for signature in offered):
        raise Refused("callback_signature_invalid", "no signature matches", webhook_id=message_id)
    return message_id
