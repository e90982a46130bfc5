"""Real time that never goes back; the clocks that run by themselves run on it.

        the machine's clock ── read once, when the process starts ──▶ steady time ◀── runs on the monotonic clock

The machine's clock may be set back or forward while sandboxes run on it. A process does not see that: its time has a
start and then only runs. The start is not before the mark in the database, so that a restart after the clock was set
back does not go back either. A clock that was set forward takes effect at the next start.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from sqlalchemy import Connection

from mocklend.machine_clock import wall_ns
from mocklend.storage.snapshot import server_rows

MARK_EVERY_MS = 1_000
"""How often the mark is renewed. A killed process has shown times at most this much after its mark."""
STEP_NS = 50_000_000
"""Two threads may use their monotonic times in the wrong order. A larger difference is a real step back."""
_RUNS_ON = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def monotonic_ns() -> int:
    """Return a clock that only goes forward, on Linux also while the machine is suspended."""
    return time.clock_gettime_ns(_RUNS_ON)


class SteadyTime:
    """Milliseconds UTC that never go back while the process lives. Every request calls it, so it takes no lock."""

    def __init__(
        self, wall: Callable[[], int] = wall_ns, monotonic: Callable[[], int] = monotonic_ns, *, not_before_ms: int = 0
    ) -> None:
        """Starts at the machine's time, or at `not_before_ms` if that is later."""
        self._monotonic = monotonic
        self._last = monotonic()
        self._offset = max(wall(), not_before_ms * 1_000_000) - self._last
        self._lock = threading.Lock()

    def __call__(self) -> int:
        """Return the current time."""
        now = self._monotonic()
        if now < self._last - STEP_NS:
            now = self._mend(now)  # In some containers and test tools even this clock goes back.
        elif now > self._last:
            self._last = now
        return (now + self._offset) // 1_000_000

    def catch_up(self, other_ms: int) -> None:
        """Advance to a time that another process has shown, if it is later."""
        with self._lock:
            behind = other_ms * 1_000_000 - (self._monotonic() + self._offset)
            if behind > 0:
                self._offset += behind

    def _mend(self, now: int) -> int:
        with self._lock:
            if now < self._last - STEP_NS:
                self._offset += self._last - now
                self._last = now
        return now


def latest_mark(connection: Connection) -> int | None:
    """Return the latest time that any process has marked in this database, or None."""
    marks = server_rows(connection, int, "SELECT ms FROM real_time WHERE id = 1")
    return marks[0] if marks else None


def leave_mark(connection: Connection, now_ms: int) -> int:
    """Mark this time. Returns the latest mark, which may be another process's."""
    sql = """INSERT INTO real_time (id, ms) VALUES (1, :ms) ON CONFLICT (id)
        DO UPDATE SET ms = CASE WHEN excluded.ms > real_time.ms THEN excluded.ms ELSE real_time.ms END
        RETURNING ms"""
    return server_rows(connection, int, sql, ms=now_ms)[0]


def start_after(
    mark_ms: int | None, wall: Callable[[], int] = wall_ns, monotonic: Callable[[], int] = monotonic_ns
) -> SteadyTime:
    """Return the steady time of a process that starts on a database with this mark, not before any time shown there."""
    if mark_ms is None or wall() // 1_000_000 >= mark_ms:
        return SteadyTime(wall, monotonic)
    # The machine's clock was set back. Times up to MARK_EVERY_MS after the mark may have been shown.
    return SteadyTime(wall, monotonic, not_before_ms=mark_ms + MARK_EVERY_MS)
