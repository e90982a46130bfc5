"""Whether the database takes reads and writes, answered at once.

        asked ─▶ a check in its own thread, one at a time ─▶ done in time: ok, or the reason
                                                        └─▶ not done yet: the last known state, and for how long

A write may have to wait: for a long write, for another process's lock, for a slow disk. A request for the server's
health does not wait for it; otherwise the server would seem dead and be killed in the middle of its work.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass
from typing import Annotated, TypedDict

from mocklend import __version__
from mocklend.domain.nouns import one_of, says
from mocklend.domain.problems import Refused
from mocklend.storage.ground import Ground, Unavailable

ANSWERS_WITHIN_S = 0.05
UNKNOWN_S_MAX = 6.0
"""A check that has waited this long counts as failed. By then the database has usually reported the reason."""


class HealthDoc(TypedDict):
    """The health of a server. `writes` is `unknown` while a test write, begun `writes_wait_ms` ago, is unfinished."""

    status: Annotated[str, says("`ok`: the server answers.")]
    writes: Annotated[str, one_of(("ok", "unknown"), "`ok`, or `unknown` while a test write is unfinished.")]
    writes_wait_ms: Annotated[
        int, says("How long the unfinished test write has taken, in milliseconds of real time; 0 if there is none.")
    ]
    version: Annotated[str, says("The version of Mocklend.")]
    engine: Annotated[str, says("The database engine.")]
    layer: Annotated[bool, says("Whether faults can be armed here.")]


@dataclass(frozen=True, slots=True)
class Beat:
    """The state of the database. `writes` is `ok`, or `unknown` while a check waits, for `waits_ms` until now."""

    writes: str
    waits_ms: int


class Pulse:
    """Checks the database on request, and never makes the caller wait for it. Thread-safe."""

    def __init__(self, check: Callable[[], None], ground: Ground, now: Callable[[], float] = time.monotonic) -> None:
        """`check` tries a read and a write, and raises Refused."""
        self.answers_within_s = ANSWERS_WITHIN_S
        self._check = check
        self._ground = ground
        self._now = now
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="mocklend-pulse")
        self._lock = threading.Lock()
        self._running: Future[None] | None = None
        self._began = 0.0

    def ask(self) -> Beat:
        """Return the known state, within ANSWERS_WITHIN_S. Raises Refused with what is wrong."""
        with self._lock:
            if self._running is None or self._running.done():
                self._running, self._began = self._pool.submit(self._check), self._now()
            running, began = self._running, self._began
        try:
            running.result(max(0.0, self.answers_within_s - (self._now() - began)))
        except NotYet:
            return self._not_yet(self._now() - began)
        return Beat("ok", 0)

    def health(self, engine: str, *, layer: bool) -> HealthDoc:
        """Return the server's health, as `ask` knows it, with the engine's name and whether there is a fault layer."""
        beat = self.ask()
        return HealthDoc(
            status="ok",
            writes=beat.writes,
            writes_wait_ms=beat.waits_ms,
            version=__version__,
            engine=engine,
            layer=layer,
        )

    def _not_yet(self, waits_s: float) -> Beat:
        trouble = self._ground.trouble
        if trouble is not None:
            raise Unavailable(trouble)
        if waits_s > UNKNOWN_S_MAX:
            raise Refused("busy", f"a write has been waiting for {waits_s:.1f} s")
        return Beat("unknown", round(waits_s * 1000))

    def close(self) -> None:
        """Stop, after a check that is running."""
        self._pool.shutdown()
