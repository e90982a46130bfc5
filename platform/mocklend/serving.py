"""Serving an app until it is told to stop: the event loop, the signals, and one deadline for the end.

        SIGTERM, SIGINT, SIGHUP ─▶ new requests: 503 ─▶ those under way are answered ─▶ ticker, deliveries, writer end
                                 └──────────────────────── one deadline, 30 s ───────────────────────┘ exit code 0

A second signal ends the process at once. What is acknowledged is on the disk by then: an answer comes after its commit.
"""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.net import SocketSpec  # type: ignore[attr-defined]  # granian exports it, and does not say so.
from granian.server.embed import Server as GranianServer

from mocklend.door import Door

DEADLINE_S = 30.0
"""From the first signal to the end of the process, whatever is under way."""
ENDING_S = 3.0
"""What is left of it for the end itself, when the last request has had its time."""
SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name))
CONNECTIONS_MAX = 16_384
"""Connections that are served at one time; more wait in the system's own queue until one of these is closed."""
BACKLOG = 4_096
FILES_SPARE = 1_024
"""File descriptors for all that is no client's connection: the database, deliveries, libraries."""
HEADERS_DEADLINE_MS = 20_000
UNREAD_DEADLINE_MS = 60_000
"""A client that takes next to nothing of its answer for so long is dropped."""


def run(
    door: Door,
    *,
    host: str,
    port: int,
    ready: Callable[[], None],
    stopping: Callable[[], None],
    close: Callable[[], None],
) -> None:
    """Serve until a signal comes. `ready` is called once connections are taken, `close` when no request is left.

    `stopping` is called on the event loop when the signal comes.

    Never returns later than DEADLINE_S after the signal: what has not ended by then is left, with exit code 0.
    """
    stopped_s = asyncio.run(_serve(door, host, port, ready, stopping))
    ending = threading.Thread(target=close, name="mocklend-close", daemon=True)
    ending.start()
    ending.join(max(0.0, stopped_s + DEADLINE_S - time.monotonic()))
    if ending.is_alive():
        _leave(0)


async def _serve(door: Door, host: str, port: int, ready: Callable[[], None], stopping: Callable[[], None]) -> float:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def signalled(number: int) -> None:
        if stop.is_set():
            _leave(128 + number)
        stop.set()

    for number in SIGNALS:
        loop.add_signal_handler(number, signalled, number)
    server = Server(
        door,
        address=host,
        port=port,
        interface=Interfaces.RSGI,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEADERS_DEADLINE_MS),
        websockets=False,
        log_enabled=False,
        backlog=BACKLOG,
        backpressure=connections_max(),
    )
    serving = asyncio.create_task(server.serve())
    threading.Thread(target=ready, name="mocklend-ready", daemon=True).start()  # It may wait for ever: see below.
    told = asyncio.create_task(stop.wait())
    await asyncio.wait((serving, told), return_when=asyncio.FIRST_COMPLETED)
    stopped_s = time.monotonic()
    stopping()
    if serving.done():
        serving.result()  # It ended by itself, perhaps before it served anybody: it says why.
    with suppress(TimeoutError):
        await asyncio.wait_for(door.drained(), DEADLINE_S - ENDING_S)
    server.stop()  # type: ignore[no-untyped-call]  # granian's own.
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.shield(serving), 1)
    return stopped_s


class Server(GranianServer):
    """The server, whose connections are dropped by the system where nothing of what was sent is taken."""

    def _init_shared_socket(self) -> None:
        # granian's own way on Linux is a socket for each worker, of which nobody else gets hold. There is one worker.
        holder = SocketSpec(self.bind_addr, self.bind_port, self.backlog).build()
        listens_at: int = holder.get_fd()
        self._ssp, self._shd, self._sfd = None, holder, listens_at  # type: ignore[assignment]
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Elsewhere a connection is kept as long as its other end is there.
            with socket.socket(fileno=os.dup(listens_at)) as listening:
                # Those that are accepted have it from there.
                listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_DEADLINE_MS)


def connections_max() -> int:
    """How many connections may be open: as many as the process may have files for, and a bound of our own."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS_MAX + FILES_SPARE
    if soft < wanted:
        more = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (more, hard))
            soft = more
    return max(64, min(CONNECTIONS_MAX, soft - FILES_SPARE))


def _leave(code: int) -> None:
    """End the process whatever its threads do."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)
