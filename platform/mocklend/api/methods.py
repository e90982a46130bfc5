"""What a request may be made with: OPTIONS says what an address takes, and does nothing.

It does so whoever asks, and whatever is on: it asks for no credential, meets no fault and is not on record. All other
methods that an address does not take are refused by the router (see `problems`).
"""

from __future__ import annotations

from flask import Flask, Response, current_app, request

KNOWN = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def answer_options(app: Flask) -> None:
    """Answer an app's requests for OPTIONS. To be called before anything else looks at them, but for their ids."""
    app.before_request(options)


def options() -> Response | None:
    """204 and `Allow`, where there is something at the address."""
    if request.method != "OPTIONS" or request.routing_exception is not None:
        return None
    methods = ", ".join(sorted(current_app.make_default_options_response().allow))
    return Response(status=204, headers={"Allow": methods})


def known_method() -> str:
    """The request's method, and `other` for one that no address takes: clients can make up as many as they like."""
    return request.method if request.method in KNOWN else "other"
