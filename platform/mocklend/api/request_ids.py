"""An id for every request: in a header of its answer, in `GET /-/requests`, and on each event that it led to.

        request ─▶ req_… ─▶ ASKED_BY (this thread) ─▶ the writer ─▶ the scene at each seam ─▶ GET /-/explain
                                                  └▶ Mocklend-Request-Id, whatever becomes of the answer

It is drawn by real chance, once for a process, and counted from there: no other id follows from it, and nothing that is
stored has it.
"""

from __future__ import annotations

import secrets
from itertools import count

from flask import Flask, Response, request

from mocklend.seams.asking import ASKED_BY

HEADER = "Mocklend-Request-Id"
EXTENSION = "mocklend.request_ids"
NAMED = "mocklend.request_id"
"""Where a request has its id that was named before it came to Flask."""


class RequestIds:
    """The ids of one app's requests. Thread-safe."""

    def __init__(self) -> None:
        self._first = f"req_{secrets.token_hex(6)}"
        self._nth = count(1)

    def next(self) -> str:
        """One that no request had before."""
        return f"{self._first}{next(self._nth):08x}"


def name_requests(app: Flask) -> None:
    """Name an app's requests. To be called before anything else looks at them, so that a refusal has its id too."""
    ids = app.extensions[EXTENSION] = RequestIds()

    def begin() -> None:
        ASKED_BY.set(request.environ.get(NAMED) or ids.next())

    app.before_request(begin)
    app.after_request(tell)
    app.teardown_request(end)


def tell(response: Response) -> Response:
    """On the answer, also where it is broken."""
    response.headers[HEADER] = ASKED_BY.get() or ""
    return response


def end(_: BaseException | None) -> None:
    """This thread will work for somebody else."""
    ASKED_BY.set(None)
