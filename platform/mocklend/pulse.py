"""Whether the database takes reads and writes, for those who must have an answer at once.

        asked ─▶ a look of its own thread, one at a time ─▶ done in time: well, or why not
                                                        └─▶ not done yet: what was known last, and for how long

A write may have to wait: for a long one before it, for another process's lock, for a slow disk. Whoever asks for health
does not wait with it, or the server would be taken for dead and be killed in the middle of its work.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass

from mocklend.domain.problems import Refused
from mocklend.storage.ground import Ground, Unavailable

ANSWERS_WITHIN_S = 0.05
UNKNOWN_S_MAX = 6.0
"""A look that has been waiting for so long is taken for a failure. What it waits for says by then why, mostly."""


@dataclass(frozen=True, slots=True)
class Beat:
    """What is known. `writes`: `ok`, or `unknown` while a look waits, which is `waits_ms` by now."""

    writes: str
    waits_ms: int


class Pulse:
    """Looks when asked, and never makes anybody wait for it. Thread-safe."""

    def __init__(self, look: Callable[[], None], ground: Ground, now: Callable[[], float] = time.monotonic) -> None:
        """`look` tries a read and a write, and raises Refused."""
        self.answers_within_s = ANSWERS_WITHIN_S
        self._look = look
        self._ground = ground
        self._now = now
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="mocklend-pulse")
        self._lock = threading.Lock()
        self._looking: Future[None] | None = None
        self._began = 0.0

    def ask(self) -> Beat:
        """What is known by now, or in a moment. Raises Refused, with what is wrong."""
        with self._lock:
            if self._looking is None or self._looking.done():
                self._looking, self._began = self._pool.submit(self._look), self._now()
            looking, began = self._looking, self._began
        try:
            looking.result(max(0.0, self.answers_within_s - (self._now() - began)))
        except NotYet:
            return self._not_yet(self._now() - began)
        return Beat("ok", 0)

    def _not_yet(self, waits_s: float) -> Beat:
        trouble = self._ground.trouble
        if trouble is not None:
            raise Unavailable(trouble)
        if waits_s > UNKNOWN_S_MAX:
            raise Refused("busy", f"a write has been waiting for {waits_s:.1f} s")
        return Beat("unknown", round(waits_s * 1000))

    def close(self) -> None:
        """End, after a look that is under way."""
        self._pool.shutdown()
