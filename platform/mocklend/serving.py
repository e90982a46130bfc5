"""Serves an app until a signal stops it: the event loop, the signals, and one deadline for the shutdown.

        SIGTERM, SIGINT, SIGHUP ─▶ new requests: 503 ─▶ those under way are answered ─▶ ticker, deliveries, writer end
                                 └──────────────────────── one deadline, 30 s ───────────────────────┘ exit code 0

A second signal ends the process at once. Acknowledged requests are on the disk by then: an answer comes after its
commit.
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
from asyncio.tasks import _enter_task, _leave_task  # Granian's schedulers take them.
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from granian._granian import CallbackScheduler, RSGIWorker, WorkerSignal
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.net import SocketHolder, SocketSpec  # type: ignore[attr-defined]  # exported, but not declared so.
from granian.server.embed import AsyncWorker
from granian.server.embed import Server as GranianServer

from mocklend.door import Door
from mocklend.logs import get_logger

DEADLINE_S = 30.0
"""From the first signal to the end of the process, whatever is in progress."""
ENDING_S = 3.0
"""The part of it that is reserved for closing, after the last request."""
SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name))
CONNECTIONS_MAX = 16_384
"""Connections that are served at once; more wait in the system's queue until one of them is closed."""
BACKLOG = 4_096
FILES_SPARE = 1_024
"""File descriptors for everything but the clients' connections: database, webhooks, libraries."""
HEADERS_DEADLINE_MS = 20_000
UNREAD_DEADLINE_MS = 60_000
"""A connection is dropped if its client reads nothing of an answer for this time."""

log = get_logger()


@dataclass(frozen=True, slots=True)
class Parent:
    """What a process of a server has from its parent: the descriptors of the socket, and of a pipe that ends."""

    listens_at: int
    stops_at: int


def run(
    door: Door,
    *,
    host: str,
    port: int,
    ready: Callable[[], None],
    stopping: Callable[[], None],
    close: Callable[[], None],
    parent: Parent | None = None,
) -> None:
    """Serve until a signal comes. `ready` is called once connections are taken, `close` when no request is left.

    `stopping` is called on the event loop when the signal comes. With a `parent` it serves the parent's socket, and
    also stops when the parent says so or has ended.

    Never returns later than DEADLINE_S after the signal: what has not ended by then is left, with exit code 0.
    """
    end(close, asyncio.run(_serve(door, host, port, ready, stopping, parent)))


def end(close: Callable[[], None], stopped_s: float) -> None:
    """Close what a process has open, until DEADLINE_S after the signal, which came at `stopped_s`. Then it is left."""
    ending = threading.Thread(target=close, name="mocklend-close", daemon=True)
    ending.start()
    ending.join(max(0.0, stopped_s + DEADLINE_S - time.monotonic()))
    if ending.is_alive():
        leave(0)


async def _serve(
    door: Door,
    host: str,
    port: int,
    ready: Callable[[], None],
    stopping: Callable[[], None],
    parent: Parent | None,
) -> float:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def signalled(number: int) -> None:
        if stop.is_set():
            leave(128 + number)
        stop.set()

    def parent_stops(parent: Parent) -> None:
        loop.remove_reader(parent.stops_at)
        stop.set()

    for number in SIGNALS if parent is None else (signal.SIGTERM,):
        loop.add_signal_handler(number, signalled, number)
    if parent is not None:
        loop.add_reader(parent.stops_at, parent_stops, parent)
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
    server.parent = parent
    serving = asyncio.create_task(server.serve_door())
    threading.Thread(target=ready, name="mocklend-ready", daemon=True).start()  # `ready` may never return.
    signal_received = asyncio.create_task(stop.wait())
    await asyncio.wait((serving, signal_received), return_when=asyncio.FIRST_COMPLETED)
    stopped_s = time.monotonic()
    stopping()
    if serving.done():
        serving.result()  # The server ended by itself; this raises the reason.
    with suppress(TimeoutError):
        await asyncio.wait_for(door.drained(), DEADLINE_S - ENDING_S)
    server.stop()  # type: ignore[no-untyped-call]  # granian's own.
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.shield(serving), 1)
    return stopped_s


class ServersThread:
    """Stands for the event loop where granian calls back from a body that has arrived: at once, on the same thread.

    Over the event loop each order would wake it up, and wait for its turn there.
    """

    def call_soon_threadsafe(self, call: Callable[..., object], *arguments: object, context: object = None) -> None:
        """Call a function. Granian would not notice its failure, and answers 500 if no answer was sent."""
        try:
            call(*arguments)
        except Exception as failure:
            log.error("a request could not be continued", exc_info=failure)

    call_soon = call_soon_threadsafe


class Scheduler(CallbackScheduler):
    """Begins each request on granian's own thread; in the event loop goes on what is not answered there.

    Granian's schedulers hand every request to the loop first, which costs as much as a status query. The arguments are
    granian's.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, door: Door, *_granians: object) -> None:
        super().__init__()
        context = self._ctx

        async def go_on(later: Coroutine[Any, Any, None], watcher: Any) -> None:
            try:
                await later  # Another thread may answer after it: `watcher.done` would then send a 500 before.
            except BaseException as failure:
                watcher.err(failure)

        def start(later: Coroutine[Any, Any, None], watcher: Any) -> None:
            watcher.taskref(loop.create_task(go_on(later, watcher)))

        def schedule(watcher: Any) -> None:
            def go_in_loop(later: Coroutine[Any, Any, None]) -> None:
                loop.call_soon_threadsafe(start, later, watcher, context=context)

            try:
                door.begin(watcher.scope, watcher.proto, go_in_loop)
            except Exception as failure:
                watcher.err(failure)
                log.error("a request could not be begun", exc_info=failure)

        self._schedule_fn = schedule


async def _serve_connections(
    worker_id: int,
    stop: WorkerSignal,
    door: Door,
    sockets: Any,
    loop: asyncio.AbstractEventLoop,
    *options: Any,
) -> None:
    """Granian's worker for a door, with the scheduler above. The options are those of granian's own worker."""
    *threads, _task, http, http1, http2, websockets, static, _log, ssl, _scope = options
    stopped = loop.create_future()
    stop.add_cb(lambda: loop.call_soon_threadsafe(stopped.set_result, None))
    door.__rsgi_init__(loop)
    worker = RSGIWorker(  # type: ignore[call-arg]  # Its stub lacks a parameter.
        worker_id, sockets, None, *threads, http, http1, http2, websockets, static, *ssl, (None, None)  # type: ignore[arg-type]
    )  # fmt: skip
    scheduler = Scheduler(loop, door, None, partial(_enter_task, loop), partial(_leave_task, loop))
    worker.serve_async(scheduler, ServersThread(), stop)  # type: ignore[attr-defined]
    await stopped


class Server(GranianServer):
    """Granian's server, which calls the door's `begin`, and whose connections end if the client reads nothing."""

    async def serve_door(self) -> None:
        """Serve until `stop`."""
        await self.serve(spawn_target=AsyncWorker.wrap_target(_serve_connections))  # type: ignore[no-untyped-call]

    parent: Parent | None = None

    def _init_shared_socket(self) -> None:
        # On Linux granian opens a socket per worker that cannot be accessed. There is only one worker here.
        if self.parent is not None:
            holder = SocketHolder(self.parent.listens_at, False, self.backlog)  # type: ignore[call-arg]
        else:
            holder = SocketSpec(self.bind_addr, self.bind_port, self.backlog).build()
        listens_at: int = holder.get_fd()
        self._ssp, self._shd, self._sfd = None, holder, listens_at  # type: ignore[assignment]
        with socket.socket(fileno=os.dup(listens_at)) as listening:
            drop_unread(listening)


def drop_unread(listening: socket.socket) -> None:
    """Let the system drop connections of this socket whose client reads nothing of an answer: they inherit it."""
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Elsewhere a connection is kept as long as its client is.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_DEADLINE_MS)


def connections_max() -> int:
    """Return how many connections may be open: what the limit of open files allows, CONNECTIONS_MAX at most."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = CONNECTIONS_MAX + FILES_SPARE
    if soft < needed:
        more = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (more, hard))
            soft = more
    return max(64, min(CONNECTIONS_MAX, soft - FILES_SPARE))


def leave(code: int) -> None:
    """End the process, whatever its threads do."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)
