"""A door with a server around it and a small app behind it, for the tests of the door."""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mocklend.door import HOLD, SANDBOX, Door, Limits
from mocklend.workers import yield_slot

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

LONG_S = 30


LIMITS = Limits(
    body_deadline_s=0.5,
    threads_max=8,
    running_max=4,
    waiting_max=4,
    control_threads_max=4,
    control_running_max=2,
    control_waiting_max=4,
)


@dataclass
class App:
    """A WSGI app that notes what reaches it. Requests to …/stay stay until they are let go."""

    seen: list[tuple[str, str, bytes]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    left: threading.Event = field(default_factory=threading.Event)
    staying: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    hold_ms: int = 0
    long_mb: int = 4

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path, body = environ["PATH_INFO"], environ["wsgi.input"].read()
        self.seen.append((environ["REQUEST_METHOD"], path, body))
        self.headers = {name: value for name, value in environ.items() if isinstance(value, str)}
        if path.endswith("/stay"):
            self.staying.release()
            with yield_slot():
                assert self.left.wait(LONG_S)
        if path.endswith("/breaks"):
            raise LookupError("a bug beneath the app")
        if path.endswith("/late"):
            environ[HOLD] = self.hold_ms
        if path.endswith("/long"):
            start_response("200 OK", [("content-type", "text/plain")])
            return (b"x" * 1024 * 1024 for _ in range(self.long_mb))
        if path.endswith("/no-room"):
            raise OSError(errno.ENOSPC, "No space left on device")
        environ[SANDBOX] = "sbx_1"
        start_response("200 OK", [("content-type", "text/plain"), ("Mocklend-Request-Id", "req_1")])
        return [b"done"]


@dataclass
class Place:
    """A door with a server around it."""

    app: App
    door: Door
    port: int
    loop: asyncio.AbstractEventLoop
    open: list[socket.socket] = field(default_factory=list)

    def connect(self, data: bytes) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=LONG_S)
        connection.sendall(data)
        self.open.append(connection)
        return connection

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        return answer_of(self.connect(request(method, path, body, **headers)))

    def stay(self, count: int, path: str = "/v1/stay", key: str = "a") -> None:
        """Have so many requests under way."""
        for _ in range(count):
            self.connect(request("GET", path, Authorization=key))
        for _ in range(count):
            assert self.app.staying.acquire(timeout=LONG_S)


def holds(door: Door, count: int) -> bool:
    """Whether so many connections are held."""
    return len(door._held) == count


def until(holds: Callable[[], object]) -> None:
    """Let the server's threads work until something holds."""
    pause = threading.Event()
    for _ in range(LONG_S * 1_000):
        if holds():
            return
        pause.wait(0.001)
    raise AssertionError("it never came to hold")


def request(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    sent_headers = {
        "Host": "127.0.0.1",
        "Connection": "close",
        **{name.replace("_", "-"): at for name, at in headers.items()},
    }
    if body:
        sent_headers.setdefault("Content-Length", str(len(body)))
    lines = [
        f"{method} {path} HTTP/1.1",
        *(f"{name}: {value}" for name, value in sent_headers.items() if value),
        "",
        "",
    ]
    return "\r\n".join(lines).encode("latin-1") + body


def answer_of(connection: socket.socket) -> tuple[int, bytes]:
    """The status and body of the answer that comes; 0 where the connection ends without one."""
    answer = b""
    with suppress(ConnectionResetError):
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    return (int(head.split()[1]) if head else 0), body
