"""An answer that breaks on its way, as the client's socket sees it.

    abort      not a byte, then the connection is closed
    reset      not a byte, then the connection is reset (RST); closed where the server hides its socket
    empty      status 200 and no body
    truncated  status, headers, half of the body, then the connection is closed
    malformed  a whole answer whose body is cut off in the middle of the JSON

Waitress lets the app reach the socket. Granian, which `serve` uses, does not: it is handed an
answer that contradicts itself, sends nothing of it and closes the connection; so there a reset looks like an abort.
A server closes the connection as well when an answer ends before its own length, which is what `truncated` does.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Iterator, Mapping
from typing import Any

from flask import Response

FLUSH_S = 0.05
"""Time for the first half to leave the server before the connection is closed."""
AT_ONCE = struct.pack("ii", 1, 0)
"""SO_LINGER on, for 0 s: closing then sends RST."""


def broken(response: Response, how: str, environ: Mapping[str, Any]) -> Response:
    """The answer as it leaves; for `abort` and `reset` nothing does."""
    if how == "none":
        return response
    body = response.get_data()
    match how:
        case "empty":
            return Response(status=200)
        case "malformed":
            return Response(body[: max(1, len(body) // 2)], response.status_code, content_type=response.content_type)
        case "truncated":
            cut = Response(_half(body), response.status_code, content_type=response.content_type)
            cut.headers["Content-Length"] = str(max(1, len(body)))
            return cut
    if _hang_up(environ, reset=how == "reset"):
        return Response(status=204)  # Written to nobody.
    return _unsendable()


def _unsendable() -> Response:
    """An answer that no HTTP/1.1 server may send: it has a length and comes in chunks. Granian hangs up instead."""
    return Response(b"", headers={"Transfer-Encoding": "chunked", "Content-Length": "1"})


def _half(body: bytes) -> Iterator[bytes]:
    yield body[: len(body) // 2]
    time.sleep(FLUSH_S)


def _hang_up(environ: Mapping[str, Any], *, reset: bool) -> bool:
    """Close the client's connection under the server's hands; whether it could be reached.

    The file descriptor is made another socket's, which is closed at its other end. So the number stays taken until the
    server itself lets go of it, and never becomes some other client's in between.
    """
    connection = _socket_of(environ)
    if connection is None:
        return False
    if reset:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
    ours, theirs = socket.socketpair()
    os.dup2(ours.fileno(), connection.fileno())
    ours.close()
    theirs.close()
    return True


def _socket_of(environ: Mapping[str, Any]) -> socket.socket | None:
    """The client's socket, where the server shows it."""
    channel = getattr(environ.get("waitress.client_disconnected"), "__self__", None)
    return getattr(channel, "socket", None)
