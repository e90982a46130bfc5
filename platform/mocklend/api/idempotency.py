"""Idempotency-Key: makes a retry safe. This module reads the header; the writer stores the answer under the key.

The fingerprint covers method, path and the body's values: the order of its fields and its white space do not matter.
"""

from __future__ import annotations

import hashlib
import json

from flask import request

from mocklend.api.json_body import asked_request
from mocklend.domain.problems import Refused
from mocklend.storage.work import Idempotency
from mocklend.validation import storable

HEADER = "Idempotency-Key"
KEY_LENGTH_MAX = 255


def idempotency() -> Idempotency:
    """The request's key and fingerprint. Refused `idempotency_key_missing` or `idempotency_key_invalid`."""
    key = request.headers.get(HEADER)
    if key is None:
        raise Refused("idempotency_key_missing", f"the header {HEADER} is missing", expected=f"{HEADER}: <a fresh key>")
    if not is_usable(key):
        raise Refused(
            "idempotency_key_invalid",
            f"the header {HEADER} is not a key",
            expected=f"1 to {KEY_LENGTH_MAX} printable ASCII characters",
            received=storable(key),
        )
    return Idempotency(key, fingerprint(request.method, request.path, asked_request().get_json()))


def is_usable(key: str) -> bool:
    """Whether this text has the form of a key."""
    return 1 <= len(key) <= KEY_LENGTH_MAX and key.isascii() and key.isprintable()


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
"""Fingerprints are stored, so it must not change."""


def fingerprint(method: str, path: str, document: object) -> str:
    """A hash of what a request asks for. Requests with the same fingerprint ask for the same."""
    text = f"{method}\n{path}\n{_CANONICAL.encode(document)}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
