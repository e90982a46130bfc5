"""Breaks a response in transport. What the client's socket receives:

    abort      no byte; the connection is closed
    reset      no byte; the connection is reset (RST), or closed where the server hides its socket
    empty      status 200 and no body
    truncated  status, headers and half of the body; then the connection is closed
    malformed  a complete response whose JSON body is cut off in the middle

Waitress gives the app access to the socket; Granian, which `serve` uses, does not. To close the connection, Granian is
given a response that contradicts itself: it sends nothing of it and closes. So a reset looks like an abort there.
A body that is shorter than its Content-Length makes `truncated`. Waitress then closes the connection by itself. Granian
would keep it open, and the client would wait for the rest, so Mocklend's door is told to close it.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Iterator, MutableMapping

from flask import Response

from mocklend.door import CLOSES

FLUSH_S = 0.05
"""Seconds in which the first half of the body leaves the server before the connection is closed."""
AT_ONCE = struct.pack("ii", 1, 0)
"""The value of SO_LINGER, on with 0 s: closing the socket then sends RST."""


def broken(response: Response, how: str, environ: MutableMapping[str, object]) -> Response:
    """The response, broken as `how` says; unchanged for `none`. For `abort` and `reset` nothing is sent."""
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
            if CLOSES in environ:
                environ[CLOSES] = True
            return cut
    if _close_connection(environ, reset=how == "reset"):
        return Response(status=204)  # Not sent: the connection is closed.
    return _unsendable()


def _unsendable() -> Response:
    """A response that HTTP/1.1 forbids, with a length and chunks. Granian closes the connection instead."""
    return Response(b"", headers={"Transfer-Encoding": "chunked", "Content-Length": "1"})


def _half(body: bytes) -> Iterator[bytes]:
    yield body[: len(body) // 2]
    time.sleep(FLUSH_S)


def _close_connection(environ: MutableMapping[str, object], *, reset: bool) -> bool:
    """Close the client's connection. Returns False where the server does not expose its socket.

    The file descriptor is redirected to a socket whose other end is closed. So its number stays in use until the server
    closes it, and no other client's connection can get it meanwhile.
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


def _socket_of(environ: MutableMapping[str, object]) -> socket.socket | None:
    """The client's socket, or None where the server does not expose it."""
    channel = getattr(environ.get("waitress.client_disconnected"), "__self__", None)
    return getattr(channel, "socket", None)
