"""HTTP methods. OPTIONS lists the methods of a path and does nothing else.

It needs no credential, passes no seam and is not logged. The router refuses other methods that a path does not have
(see `problems`).
"""

from __future__ import annotations

from flask import Flask, Response, current_app, request

KNOWN = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def answer_options(app: Flask) -> None:
    """Answer OPTIONS in an app. Call this before all other `before_request` hooks but `name_requests`."""
    app.before_request(options)


def options() -> Response | None:
    """204 with `Allow`, if the path exists."""
    if request.method != "OPTIONS" or request.routing_exception is not None:
        return None
    methods = ", ".join(sorted(current_app.make_default_options_response().allow))
    return Response(status=204, headers={"Allow": methods})


def known_method() -> str:
    """The request's method; `other` for an unknown one, because clients can invent any number of them."""
    return request.method if request.method in KNOWN else "other"
