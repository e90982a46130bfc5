"""Answers that are held back until their time: one thread sends them all, each at its own time.

hold ─▶ waiting, by time ─▶ due, or the server stops ─▶ sent

A timer of the event loop for each would wake the loop twice, and be up to a millisecond late: it counts in whole ones.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable
from itertools import count
from time import perf_counter

from mocklend.logs import get_logger

log = get_logger()

Send = Callable[[], None]


class HeldAnswers:
    """The answers of one server that are held back. Thread-safe."""

    def __init__(self, now_s: Callable[[], float] = perf_counter) -> None:
        self._now_s = now_s
        self._changed = threading.Condition(threading.Lock())
        self._waiting: list[tuple[float, int, Send]] = []
        self._numbers = count()
        self._unsent = 0
        self._thread: threading.Thread | None = None
        self._stopping = False

    def __len__(self) -> int:
        """How many are not sent yet."""
        return self._unsent

    def hold(self, until_s: float, send: Send) -> None:
        """Call `send` on another thread: at a time of `perf_counter`, never before it, or once the server stops."""
        held = (until_s, next(self._numbers), send)
        with self._changed:
            heapq.heappush(self._waiting, held)
            self._unsent += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="mocklend-held", daemon=True)
                self._thread.start()
            elif self._waiting[0] is held:
                self._changed.notify()

    def stop(self) -> None:
        """Send all that are held, and from now on each at once."""
        with self._changed:
            self._stopping = True
            self._changed.notify()

    def _run(self) -> None:
        while due := self._next_due():
            self._send_all(due)

    def _next_due(self) -> list[Send]:
        """Wait until answers are due, and take them, those that are due first come first; none if the server stops."""
        with self._changed:
            while not self._stopping and not (self._waiting and self._waiting[0][0] <= self._now_s()):
                self._changed.wait(self._waiting[0][0] - self._now_s() if self._waiting else None)
            now_s, due = self._now_s(), []
            while self._waiting and (self._stopping or self._waiting[0][0] <= now_s):
                due.append(heapq.heappop(self._waiting)[2])
            if not due:
                self._thread = None
            return due

    def _send_all(self, due: list[Send]) -> None:
        for send in due:
            try:
                send()
            except Exception as failure:
                log.error("an answer that was held back could not be sent", exc_info=failure)
        with self._changed:
            self._unsent -= len(due)
