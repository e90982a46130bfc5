"""A request as it has arrived over RSGI, how long its body may be, and as it is passed on to a WSGI app."""

from __future__ import annotations

import io
from typing import Any, NamedTuple

BODY_MAX = 64 * 1024
LONG_BODIES = {"/-/scores": 16 * 1024 * 1024}
"""Paths that accept longer bodies, and their limit in bytes."""
LONG_FORMS = {"score": LONG_BODIES["/-/scores"] + BODY_MAX, "faults/import": 3 * BODY_MAX}
"""Pages of a sandbox whose forms are longer, and their limit: what the API takes of it, as text and as a file, and the
other fields."""


class ReceivedRequest(NamedTuple):
    """A whole request. The names of its headers are in lower case; `carried` is added to the app's WSGI environment.

    `came_s` is when it arrived, by `perf_counter`.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    carried: dict[str, Any]
    came_s: float


def environ_of(request: ReceivedRequest, scope: Any, base: dict[str, Any]) -> dict[str, Any]:
    """Return the WSGI environment of a request: `base`, what it carries, and what came over RSGI."""
    environ = base | request.carried
    environ["REQUEST_METHOD"] = request.method
    environ["PATH_INFO"] = _wsgi_text(request.path)
    environ["QUERY_STRING"] = _wsgi_text(request.query)
    environ["SERVER_PROTOCOL"] = "HTTP/" + scope.http_version
    environ["REMOTE_ADDR"] = scope.client.rpartition(":")[0]
    environ["wsgi.url_scheme"] = scope.scheme
    environ["wsgi.input"] = io.BytesIO(request.body)
    for name, value in request.headers.items():
        environ[WSGI_NAMES.get(name) or wsgi_name(name)] = value
    return environ


WSGI_NAMES = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}
NAMES_MAX = 1_000


def _wsgi_text(text: str) -> str:
    """Encode a text as WSGI requires: one character for each byte of its UTF-8."""
    return text if text.isascii() else text.encode().decode("latin-1")


def wsgi_name(header: str) -> str:
    """Return a header's name in the WSGI environment. The names seen are cached, up to a bound."""
    name = "HTTP_" + header.upper().replace("-", "_")
    if len(WSGI_NAMES) < NAMES_MAX:
        WSGI_NAMES[header] = name
    return name


def headers_of(scope: Any) -> dict[str, str]:
    """Return a request's headers by lower-case name. Repeated ones are joined; one that is not ASCII is empty."""
    raw = scope.headers
    pairs = raw.items()
    headers: dict[str, str] = dict(pairs)
    if len(headers) < len(pairs):
        headers = {}
        for name, value in pairs:
            headers[name] = f"{headers[name]},{value}" if name in headers else value
    if len(headers) < len(raw):
        headers |= {name: "" for name in raw if name not in headers}
    return headers


def body_max(path: str) -> int:
    """The most bytes that a body at a path may have."""
    if path.startswith("/console/"):
        return LONG_FORMS.get(path.removeprefix("/console/").partition("/")[2], BODY_MAX)
    return LONG_BODIES.get(path, BODY_MAX)
