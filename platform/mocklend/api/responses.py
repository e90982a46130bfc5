"""Rendering: Python data as an HTTP answer. JSON by orjson; a stored refusal comes back as the problem that it was."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from flask import Response

from mocklend.spool import chunks_of, gathered, size_of
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


def in_full(chunks: Iterable[bytes], content_type: str) -> Response:
    """A long answer, all of which is there before its first byte leaves. Raises what making it raises."""
    content = gathered(chunks)
    response = Response(chunks_of(content), content_type=content_type)
    response.content_length = size_of(content)
    if not isinstance(content, bytes):
        response.call_on_close(content.close)
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
