"""One server of several processes: a parent binds the socket, starts the processes, and replaces one that dies.

        parent ─ listens ─┬─▶ process 1 ─ ready ─┐
                          ├─▶ process 2 ─ ready ─┴─▶ all are ready: the server is announced
                          └─▶ …           each accepts from the one socket
        signal ─▶ the parent closes their standard inputs ─▶ each answers what is in progress, and ends ─▶ exit code 0

The processes inherit one listening socket. A connection waits in that socket's queue until any process accepts it, so
none is lost with a process that ends; with a socket per process (SO_REUSEPORT), the queue of one that ends is reset.
Each process is a new interpreter, not a fork: a fork would take over locks and threads of the libraries in an unknown
state, and a replacement should start as the first one did.

A process reads its settings from standard input, writes READY to standard output, and stops when its standard input
ends: also when the parent is killed.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress

from mocklend.logs import get_logger
from mocklend.serving import BACKLOG, DEADLINE_S, SIGNALS, drop_unread, leave

READY = b"ready\n"
AGAIN_AFTER_S = (0.0, 1.0, 5.0, 30.0)
"""How long a dead process is not replaced, by how often its place died within FORGOTTEN_S; the last is for all more."""
FORGOTTEN_S = 60.0
KILLED_AFTER_S = DEADLINE_S + 2.0
"""Processes that have not ended then are killed. Each ends by itself within DEADLINE_S."""

log = get_logger()


class DiedAtStart(Exception):
    """A process ended before the server was up; `code` is its exit code. It has printed the reason."""

    def __init__(self, code: int) -> None:
        super().__init__(f"a process of the server ended with exit code {code} before it was ready")
        self.code = code


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket for several processes. Port 0 selects a free one. Raises OSError."""
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        drop_unread(listening)
        listening.listen(BACKLOG)
    except BaseException:
        listening.close()
        raise
    return listening


def supervise(
    command: Sequence[str], document: bytes, listening: socket.socket, count: int, ready: Callable[[], None]
) -> None:
    """Keep `count` processes until a signal comes; return when all have ended.

    Each runs `command` with the number of the listening descriptor, and reads `document`, one line, from its standard
    input. `ready` is called, in a thread, once all are ready. A second signal kills them. Raises DiedAtStart.
    """
    asyncio.run(_Supervisor(command, document, listening.fileno(), count).run(ready))


def again_after_s(deaths: deque[float], now_s: float) -> float:
    """Return how long to wait before a process is replaced that died at `now_s`, and note that it died."""
    while deaths and deaths[0] <= now_s - FORGOTTEN_S:
        deaths.popleft()
    wait_s = AGAIN_AFTER_S[min(len(deaths), len(AGAIN_AFTER_S) - 1)]
    deaths.append(now_s)
    return wait_s


class _Supervisor:
    def __init__(self, command: Sequence[str], document: bytes, listens_at: int, count: int) -> None:
        self._command, self._document, self._listens_at = command, document, listens_at
        self._live: set[asyncio.subprocess.Process] = set()
        self._stop = asyncio.Event()
        self._ready = [asyncio.Event() for _ in range(count)]
        self._announced = False
        self._until_s = 0.0

    async def run(self, ready: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self._signalled, number)
        announcing = asyncio.create_task(self._announce(ready))
        places = [asyncio.create_task(self._keep(place)) for place in range(len(self._ready))]
        try:
            await asyncio.gather(*places)
        finally:
            self._end()
            announcing.cancel()
            await asyncio.gather(*places, return_exceptions=True)

    def _signalled(self, number: int) -> None:
        if self._stop.is_set():
            for process in self._live:
                with suppress(ProcessLookupError):
                    process.kill()
            leave(128 + number)
        self._end()

    def _end(self) -> None:
        if not self._stop.is_set():
            self._until_s = time.monotonic() + KILLED_AFTER_S
            self._stop.set()

    async def _announce(self, ready: Callable[[], None]) -> None:
        for place in self._ready:
            await place.wait()
        self._announced = True
        threading.Thread(target=ready, name="mocklend-ready", daemon=True).start()  # `ready` may never return.

    async def _keep(self, place: int) -> None:
        """Keep one process running until the server stops. Raises DiedAtStart."""
        deaths: deque[float] = deque()
        while not self._stop.is_set():
            code = await self._run_one(place)
            if self._stop.is_set():
                return
            if not self._announced:
                raise DiedAtStart(code)
            wait_s = again_after_s(deaths, time.monotonic())
            log.error(
                "a process of the server has ended and is replaced", place=place + 1, exit_code=code, after_s=wait_s
            )
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), wait_s)

    async def _run_one(self, place: int) -> int:
        """Run one process until it ends, by itself or because the server stops. Returns its exit code."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *self._command, str(self._listens_at), stdin=pipe, stdout=pipe, pass_fds=(self._listens_at,)
        )
        assert process.stdin is not None
        assert process.stdout is not None
        self._live.add(process)
        try:
            process.stdin.write(self._document + b"\n")
            reading = asyncio.create_task(self._read_ready(place, process.stdout))
            ended, stopped = asyncio.create_task(process.wait()), asyncio.create_task(self._stop.wait())
            await asyncio.wait((ended, stopped), return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()
            process.stdin.close()
            await asyncio.wait((ended,), timeout=max(0.0, self._until_s - time.monotonic()))
            if not ended.done():
                log.error("a process of the server did not end in time and is killed", place=place + 1)
                process.kill()
            code = await ended
            reading.cancel()
            return code
        finally:
            self._live.discard(process)

    async def _read_ready(self, place: int, output: asyncio.StreamReader) -> None:
        if await output.readline() == READY:
            self._ready[place].set()


def ignore_the_terminal() -> None:
    """In one of the processes: leave the signals of the terminal, which reach the parent as well, to the parent."""
    for number in SIGNALS:
        if number != signal.SIGTERM:
            signal.signal(number, signal.SIG_IGN)


def command_for(function: str) -> list[str]:
    """Return the command that runs a function, named `module:function`, in a process of the server."""
    module, _, name = function.partition(":")
    ignore = "from signal import *; signal(SIGINT, SIG_IGN); signal(SIGHUP, SIG_IGN)"
    return [sys.executable, "-c", f"{ignore}; import sys; from {module} import {name}; {name}(int(sys.argv[1]))"]
