"""Few of the server's threads work at one time: the others wait for their turn, without the interpreter's lock.

        256 threads ─▶ turn ──▶ 2 at work ──▶ answered
                        ▲          │
                        └── again ─┴─ aside: for the writer's commit, for a fault that sleeps

There are many threads since many may sleep. But those that work hand the interpreter's lock to each other at every
query, and the more of them there are, the more of the time goes into that: with 64 clients at once, almost half.
The control plane takes no turns, since what it is asked for may take minutes: a clock that moves by a year, an audit.
For whatever else works for long, nobody waits longer than PATIENCE_S: then one goes on without a turn. That must be
rare, or all those who have waited would come at once, and slow each other down so that more have to wait.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Any

AT_ONCE = 2
"""Threads at work: one, and another while that one reads the disk."""
PATIENCE_S = 1.0
ALWAYS_ALLOWED = "/-/"

App = Callable[[dict[str, Any], Any], Iterable[bytes]]

_thread = threading.local()


class ThreadTurns:
    """The turns of one server."""

    def __init__(self, at_once: int = AT_ONCE, patience_s: float = PATIENCE_S) -> None:
        self._free: SimpleQueue[None] = SimpleQueue()
        self._patience_s = patience_s
        for _ in range(at_once):
            self._free.put(None)

    @property
    def free(self) -> int:
        """How many more may work now."""
        return self._free.qsize()

    def around(self, app: App) -> App:
        """The WSGI app, each of whose requests to anything but the control plane has a turn."""

        def taking_turns(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            if environ["PATH_INFO"].startswith(ALWAYS_ALLOWED):
                return app(environ, start_response)
            self._take()
            _thread.turns = self
            try:
                return app(environ, start_response)
            finally:
                _thread.turns = None
                self._give()

        return taking_turns

    def _take(self) -> None:
        try:
            self._free.get(timeout=self._patience_s)
        except Empty:
            _thread.has_one = False
        else:
            _thread.has_one = True

    def _give(self) -> None:
        if _thread.has_one:
            _thread.has_one = False
            self._free.put(None)


@contextmanager
def aside() -> Iterator[None]:
    """Let others work while this thread only waits. Does nothing where nobody takes turns."""
    turns: ThreadTurns | None = getattr(_thread, "turns", None)
    if turns is None:
        yield
        return
    turns._give()
    try:
        yield
    finally:
        turns._take()
