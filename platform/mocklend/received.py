"""A request as it has arrived over RSGI, and as it is passed on to a WSGI app."""

from __future__ import annotations

import io
from typing import Any, NamedTuple


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
