"""An id for every request: in a header of its answer, in `GET /-/requests`, and on each event that it led to.

        request ─▶ req_… ─▶ ASKED_BY (this thread) ─▶ the writer ─▶ the scene at each seam ─▶ GET /-/explain
                                                  └▶ Mocklend-Request-Id, whatever becomes of the answer

It is drawn by real chance, once for a process, and counted from there: no other id follows from it, and nothing that is
stored has it.
"""

from __future__ import annotations

import secrets
from itertools import count

from flask import Flask, Response

from mocklend.seams import ASKED_BY

HEADER = "Mocklend-Request-Id"


def name_requests(app: Flask) -> None:
    """Name an app's requests. To be called before anything else looks at them, so that a refusal has its id too."""
    first, nth = f"req_{secrets.token_hex(6)}", count(1)

    def begin() -> None:
        ASKED_BY.set(f"{first}{next(nth):08x}")

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
