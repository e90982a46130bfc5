"""Renders Python data as HTTP responses, in JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import orjson
from flask import Response

from mocklend.spool import chunks_of, gathered, size_of
from mocklend.storage.work import Answer

JSON = "application/json"
PROBLEM = "application/problem+json"


REPLAYED = "Idempotency-Replayed"
IN_ENGLISH = {"Content-Language": "en", "Vary": "Accept-Language"}
"""Headers of a problem, unless its client prefers another language: see `problems.speak`."""
RETRY_AFTER_S = 1
"""After how many seconds a client looks again at what is in progress."""


def answered(answer: Answer) -> Response:
    """The response of a command's answer. A stored refusal becomes the same problem again."""
    if answer.status == 204:
        return Response(status=204)
    response = rendered(answer.body, answer.status)
    if answer.replayed:
        response.headers[REPLAYED] = "true"
    return response


def in_full(chunks: Iterable[bytes], content_type: str) -> Response:
    """A long response, complete before its first byte is sent. Raises what the chunks raise."""
    content = gathered(chunks)
    response = Response(chunks_of(content), content_type=content_type)
    response.content_length = size_of(content)
    if not isinstance(content, bytes):
        response.call_on_close(content.close)
    return response


def rendered(document: Mapping[str, object], status: int = 200) -> Response:
    """The response of a JSON object."""
    return Response(orjson.dumps(document), status, content_type=type_of(status))


def in_progress(document: Mapping[str, object], location: str) -> Response:
    """The response 202 of what is not done yet, with the address where it can be watched."""
    response = rendered(document, 202)
    response.headers["Location"] = location
    response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return response


def as_stored(document: str | bytes) -> Response:
    """The response of a JSON object that is stored as text, or as its bytes."""
    return Response(document, content_type=JSON)


def type_of(status: int) -> str:
    """The media type of a response with this status."""
    return PROBLEM if status >= 400 else JSON
