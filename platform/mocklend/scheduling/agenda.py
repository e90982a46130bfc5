"""When each sandbox with a running clock is checked next, and how much is done then. Idle sandboxes are not checked.

        check ─▶ nothing is due ─▶ the next thing is due at … ─▶ not checked before then
                                            └─ something is written in the sandbox ─▶ checked at once

Writes of another process on the same database are not seen here: that process passes them on (see `processes`). In case
that went wrong, each sandbox is checked after LOOK_AGAIN_MS at the latest, and not all of them at the same time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from zlib import crc32

from mocklend.logs import get_logger

LOOK_AGAIN_MS = 60_000
BEHIND_S = 5.0
"""From how many seconds on due work that is behind is logged, at most every BEHIND_LOGGED_S."""
BEHIND_LOGGED_S = 60.0
PORTION_FIRST = 4
"""The first portion of a kind, while the cost of one thing is unknown."""

log = get_logger()


class Agenda:
    """The real time at which each sandbox is checked next. Thread-safe."""

    def __init__(self) -> None:
        self._next_ms: dict[str, int] = {}
        self._lock = threading.Lock()

    def wants(self, sandbox_id: str, now_ms: int) -> bool:
        """Whether a sandbox is to be checked now."""
        return self._next_ms.get(sandbox_id, 0) <= now_ms

    def touch(self, sandbox_ids: Iterable[str]) -> None:
        """Check these sandboxes at the next tick: something was written there, or they are gone."""
        with self._lock:
            for id in sandbox_ids:
                self._next_ms.pop(id, None)

    def touch_all(self) -> None:
        """Check every sandbox at the next tick."""
        with self._lock:
            self._next_ms.clear()

    def look(self, sandbox_id: str) -> None:
        """Begin a check. What is written from now on may be missed by it."""
        with self._lock:
            self._next_ms[sandbox_id] = 0

    def wait(self, sandbox_id: str, now_ms: int, due_ms: int | None) -> None:
        """Do not check before this real time: nothing is due. No effect if something was written since `look`."""
        latest_ms = now_ms + LOOK_AGAIN_MS // 2 + crc32(sandbox_id.encode()) % (LOOK_AGAIN_MS // 2)
        with self._lock:
            if sandbox_id in self._next_ms:
                self._next_ms[sandbox_id] = latest_ms if due_ms is None else min(due_ms, latest_ms)


class Behind:
    """How far the oldest due work of running clocks is behind, in real time. Thread-safe."""

    def __init__(self, real_ms: Callable[[], int]) -> None:
        self._real_ms = real_ms
        self._since_ms: dict[str, int] = {}
        self._lock = threading.Lock()
        self._next_log_ms = 0

    def note(self, sandbox_id: str, since_ms: int | None) -> None:
        """Note since when (real time) something is due in a sandbox; None if nothing is."""
        with self._lock:
            if since_ms is None:
                self._since_ms.pop(sandbox_id, None)
            else:
                self._since_ms[sandbox_id] = since_ms

    def seconds(self) -> float:
        """How long the oldest due work has been due; 0 if nothing is due."""
        with self._lock:
            since_ms = min(self._since_ms.values(), default=None)
        return 0.0 if since_ms is None else max(0, self._real_ms() - since_ms) / 1000

    def log(self) -> None:
        """Write a line if due work is far behind, and none was written lately."""
        behind_s, now_ms = self.seconds(), self._real_ms()
        if behind_s >= BEHIND_S and now_ms >= self._next_log_ms:
            self._next_log_ms = now_ms + round(BEHIND_LOGGED_S * 1000)
            log.warning("due work is behind: more falls due than this server can run", behind_s=round(behind_s, 1))


class Portions:
    """How many due things of a sandbox are run together: as many as take a slice of time.

    The cost of one thing differs by its kind, by a factor of a thousand: a loan with ten repayments, or with ten
    thousand. Other writes wait meanwhile. So the first portion of a kind is small, and the next one at most twice as
    large.
    """

    def __init__(self, most: int, slice_s: float) -> None:
        self._max = most
        self._slice_s = slice_s
        self._sizes: dict[str, dict[str, int]] = {}

    def of(self, sandbox_id: str, what: str) -> int:
        """Return the size of the next portion of a kind."""
        return self._sizes.get(sandbox_id, {}).get(what, min(PORTION_FIRST, self._max))

    def took(self, sandbox_id: str, what: str, count: int, seconds: float) -> None:
        """Report that a portion of `count` things took this long."""
        size, fits = self.of(sandbox_id, what), self._fits(count, seconds)
        if count < size:
            fits = min(fits, size)  # There were no more: the cost of few says little about many.
        self._sizes.setdefault(sandbox_id, {})[what] = max(1, min(fits, size * 2, self._max))

    def _fits(self, count: int, seconds: float) -> int:
        """Return how many things of the same cost take a slice."""
        return self._max if seconds * self._max <= self._slice_s * count else int(self._slice_s * count / seconds)

    def forget(self, sandbox_id: str) -> None:
        """Forget a sandbox that is empty, or gone."""
        self._sizes.pop(sandbox_id, None)
