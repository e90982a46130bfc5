"""When each sandbox whose clock runs is to be looked at, and how much is done then. An idle one waits for what is due.

        look ─▶ nothing is due ─▶ the next thing is due at … ─▶ not looked at before then
                                            └─ something is written in the sandbox ─▶ looked at at once

What another process on the same database writes is not heard of here: that process looks after it. Should it have
died, each sandbox is looked at after LOOK_AGAIN_MS at the latest, and not all of them at one moment.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from zlib import crc32

LOOK_AGAIN_MS = 60_000
PORTION_FIRST = 4
"""So many of a kind are carried out together before it is known what one of them costs."""


class Agenda:
    """The real time at which each sandbox is to be looked at next. Thread-safe."""

    def __init__(self) -> None:
        self._next_ms: dict[str, int] = {}
        self._lock = threading.Lock()

    def wants(self, sandbox_id: str, now_ms: int) -> bool:
        """Whether it is to be looked at now."""
        return self._next_ms.get(sandbox_id, 0) <= now_ms

    def touch(self, sandbox_ids: Iterable[str]) -> None:
        """Something was written there, or it is gone."""
        with self._lock:
            for id in sandbox_ids:
                self._next_ms.pop(id, None)

    def look(self, sandbox_id: str) -> None:
        """It is being looked at. What is written there from now on may not be seen in this look."""
        with self._lock:
            self._next_ms[sandbox_id] = 0

    def wait(self, sandbox_id: str, now_ms: int, due_ms: int | None) -> None:
        """Nothing is due there before this real time. Does nothing where something was written since the look."""
        latest_ms = now_ms + LOOK_AGAIN_MS // 2 + crc32(sandbox_id.encode()) % (LOOK_AGAIN_MS // 2)
        with self._lock:
            if sandbox_id in self._next_ms:
                self._next_ms[sandbox_id] = latest_ms if due_ms is None else min(due_ms, latest_ms)


class Portions:
    """How many due things of each sandbox are carried out together: as many as take a slice of time, and no more.

    What one of them costs differs by its kind, and by a thousand: a loan with ten repayments, or with ten thousand.
    While they are carried out, nobody else writes. So the first portion of a kind is small, and the next one is twice
    as large at most.
    """

    def __init__(self, most: int, slice_s: float) -> None:
        self._max = most
        self._slice_s = slice_s
        self._sizes: dict[str, dict[str, int]] = {}

    def of(self, sandbox_id: str, what: str) -> int:
        """The next portion of one kind."""
        return self._sizes.get(sandbox_id, {}).get(what, min(PORTION_FIRST, self._max))

    def took(self, sandbox_id: str, what: str, count: int, seconds: float) -> None:
        """So long the last one took, of so many things."""
        size, fits = self.of(sandbox_id, what), self._fits(count, seconds)
        if count < size:
            fits = min(fits, size)  # There were no more: what they cost says little about many.
        self._sizes.setdefault(sandbox_id, {})[what] = max(1, min(fits, size * 2, self._max))

    def _fits(self, count: int, seconds: float) -> int:
        """How many things that cost the same take a slice."""
        return self._max if seconds * self._max <= self._slice_s * count else int(self._slice_s * count / seconds)

    def forget(self, sandbox_id: str) -> None:
        """The sandbox is empty, or gone."""
        self._sizes.pop(sandbox_id, None)
