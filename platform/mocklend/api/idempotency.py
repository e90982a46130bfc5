"""Idempotency-Key: what makes a retry safe. The writer keeps the answer under the key; here it is read.

The fingerprint is of method, path and the body's meaning, so the order of its fields and its white space do not matter.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from flask import request

from mocklend.api.json_body import asked_request
from mocklend.domain.problems import Refused
from mocklend.storage.work import Idempotency
from mocklend.validation import storable

HEADER = "Idempotency-Key"
LONGEST = 255


def idempotency() -> Idempotency:
    """The request's key and fingerprint. Refused without a usable key."""
    key = request.headers.get(HEADER)
    if key is None:
        raise Refused("idempotency_key_missing", f"the header {HEADER} is missing", expected=f"{HEADER}: <a fresh key>")
    if not is_usable(key):
        raise Refused(
            "idempotency_key_invalid",
            f"the header {HEADER} is not one",
            expected=f"1 to {LONGEST} printable ASCII characters",
            received=storable(key),
        )
    return Idempotency(key, fingerprint(request.method, request.path, asked_request().get_json()))


def is_usable(key: str) -> bool:
    """Whether this can be a key."""
    return 1 <= len(key) <= LONGEST and key.isascii() and key.isprintable()


def fingerprint(method: str, path: str, document: Any) -> str:
    """What a request asks for: two with the same one ask for the same."""
    meaning = json.dumps(document, sort_keys=True, separators=(",", ":"))
    text = f"{method}\n{path}\n{meaning}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
