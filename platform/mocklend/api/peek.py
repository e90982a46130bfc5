"""The header `Mocklend-Peek`: a read that leaves no trace, for whoever looks on while a client is tested.

        GET /v1/loans/… with Mocklend-Peek: 1 ─▶ no event at api.answer ─▶ view ─▶ not logged, not counted

A peek passes no seam and is not in the request log, so the answer key and the counters of the rules stay as they are.
While the replicas of a page differ it shows the first one. It makes nothing that a read makes otherwise: no statement
file and no stored score.
"""

from __future__ import annotations

import hmac

from flask import Flask, request

from mocklend.api.json_body import wsgi_name
from mocklend.api.problems import field_problem
from mocklend.api.request_context import PLANES, is_of_staff, served
from mocklend.domain.problems import Refused

HEADER = "Mocklend-Peek"
WSGI_HEADER = wsgi_name(HEADER)
ALLOWED = "mocklend.peek"
"""The WSGI key of a request whose header was checked."""


def allow_peeks(app: Flask) -> None:
    """Check the header of each request of an app. Call this before the request passes the seam."""
    app.before_request(check_peek)


def is_peek() -> bool:
    """Whether this request is a peek, which `check_peek` has allowed."""
    return ALLOWED in request.environ


def check_peek() -> None:
    """Refused `validation_failed` if the header is not 1 or the request is no GET; off loopback `credential_missing` or
    `credential_invalid` without the control token, and everywhere `key_of_staff` for a staff key."""
    value = request.environ.get(WSGI_HEADER)
    if value is None:
        return
    if value != "1":
        raise field_problem(HEADER, "1", value)
    if request.method not in ("GET", "HEAD"):
        raise field_problem(HEADER, "a GET", request.method)
    if is_of_staff():
        raise Refused("key_of_staff", f"{HEADER} is not for staff", expected="the api_key")
    settings = served().settings
    if not settings.on_loopback:
        _check_token(str(settings.control_token))
    request.environ[ALLOWED] = True


def _check_token(token: str) -> None:
    header, _ = PLANES["/-/"]
    offered = request.headers.get(header)
    if offered is None:
        raise Refused("credential_missing", f"{HEADER} requires the control token", expected=f"{header}: <token>")
    if not hmac.compare_digest(offered.encode("utf-8", "surrogatepass"), token.encode()):
        raise Refused("credential_invalid", "the token is wrong", expected=f"{header}: <token>")
