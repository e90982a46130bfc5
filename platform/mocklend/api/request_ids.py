"""Request ids: in a header of each answer, in `GET /-/requests`, and on each event that the request caused.

        request ─▶ req_… ─▶ ASKED_BY (this thread) ─▶ the writer ─▶ the EventContext at each seam ─▶ GET /-/explain
                                                  └▶ the header Mocklend-Request-Id of the answer

A process draws a random prefix and counts its requests. Request ids are not stored, and no other id follows from them.
"""

from __future__ import annotations

import secrets
from itertools import count

from flask import Flask, Response, request

from mocklend.seams.asking import ASKED_BY

HEADER = "Mocklend-Request-Id"
EXTENSION = "mocklend.request_ids"
NAMED = "mocklend.request_id"
"""The WSGI key of an id that was assigned before the request reached Flask."""


class RequestIds:
    """The ids of one app's requests. Thread-safe."""

    def __init__(self) -> None:
        self._first = f"req_{secrets.token_hex(6)}"
        self._nth = count(1)

    def next(self) -> str:
        """A new id."""
        return f"{self._first}{next(self._nth):08x}"


def name_requests(app: Flask) -> None:
    """Assign an id to each request of an app. Call this before all other hooks, so that refusals have ids too."""
    ids = app.extensions[EXTENSION] = RequestIds()

    def begin() -> None:
        ASKED_BY.set(request.environ.get(NAMED) or ids.next())

    app.before_request(begin)
    app.after_request(add_header)
    app.teardown_request(end)


def add_header(response: Response) -> Response:
    """Add the request's id to its answer."""
    response.headers[HEADER] = ASKED_BY.get() or ""
    return response


def end(_: BaseException | None) -> None:
    """Forget the id: this thread will serve another request."""
    ASKED_BY.set(None)
