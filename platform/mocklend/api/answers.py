"""Rendering: Python data as an HTTP answer. JSON by orjson; a stored refusal comes back as the problem that it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from flask import Response

from mocklend.storage.work import Answer

JSON = "application/json"
PROBLEM = "application/problem+json"


REPLAYED = "Idempotency-Replayed"


def answered(answer: Answer) -> Response:
    """A command's answer."""
    if answer.status == 204:
        return Response(status=204)
    response = rendered(answer.body, answer.status)
    if answer.replayed:
        response.headers[REPLAYED] = "true"
    return response


def rendered(document: Mapping[str, Any], status: int = 200) -> Response:
    """A JSON object."""
    return Response(orjson.dumps(document), status, content_type=type_of(status))


def as_stored(document: str) -> Response:
    """A JSON object that is kept as text."""
    return Response(document, content_type=JSON)


def type_of(status: int) -> str:
    """The media type of an answer with this status."""
    return PROBLEM if status >= 400 else JSON
