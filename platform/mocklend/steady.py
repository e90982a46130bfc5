"""Real time that never goes back: what clocks that run by themselves run on.

        the machine's clock ── read once, when the process starts ──▶ steady time ◀── runs on the monotonic clock

Somebody may set the machine's clock, back or forward, while sandboxes run on it. Within a process nothing of that is
seen: time has a start, and then only runs. The start is not before the mark that was left on the database, so a restart
after the clock was set back does not go back either. A clock that was set forward is followed from the next start on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from sqlalchemy import Connection

from mocklend.machine_clock import wall_ns
from mocklend.storage.snapshot import server_rows

MARK_EVERY_MS = 1_000
"""How often the mark is renewed. A process that is killed has shown at most so much more."""
STEP_NS = 50_000_000
"""Two threads may read the monotonic clock in one order and look at it in the other. More than this is a real step."""
_RUNS_ON = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def monotonic_ns() -> int:
    """What only runs, and on Linux also while the machine is suspended."""
    return time.clock_gettime_ns(_RUNS_ON)


class SteadyTime:
    """Milliseconds UTC that never go back while the process lives. Called by every request: no lock on the way."""

    def __init__(
        self, wall: Callable[[], int] = wall_ns, monotonic: Callable[[], int] = monotonic_ns, *, not_before_ms: int = 0
    ) -> None:
        """Starts at the machine's time, or at `not_before_ms` where that is later."""
        self._monotonic = monotonic
        self._last = monotonic()
        self._offset = max(wall(), not_before_ms * 1_000_000) - self._last
        self._lock = threading.Lock()

    def __call__(self) -> int:
        """Now."""
        now = self._monotonic()
        if now < self._last - STEP_NS:
            now = self._mend(now)  # Not even this one is safe in every container and under every test tool.
        elif now > self._last:
            self._last = now
        return (now + self._offset) // 1_000_000

    def catch_up(self, other_ms: int) -> None:
        """Be not behind a time that somebody else has shown."""
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
    """The latest time that any process on this database has left; None where none has yet."""
    marks = server_rows(connection, int, "SELECT ms FROM real_time WHERE id = 1")
    return marks[0] if marks else None


def leave_mark(connection: Connection, now_ms: int) -> int:
    """Leave a mark at this time. Returns the latest that there is, which may be another process's."""
    sql = """INSERT INTO real_time (id, ms) VALUES (1, :ms) ON CONFLICT (id)
        DO UPDATE SET ms = CASE WHEN excluded.ms > real_time.ms THEN excluded.ms ELSE real_time.ms END
        RETURNING ms"""
    return server_rows(connection, int, sql, ms=now_ms)[0]


def start_after(
    mark_ms: int | None, wall: Callable[[], int] = wall_ns, monotonic: Callable[[], int] = monotonic_ns
) -> SteadyTime:
    """Steady time of a process that starts on a database with this mark: not before anything that was shown there."""
    if mark_ms is None or wall() // 1_000_000 >= mark_ms:
        return SteadyTime(wall, monotonic)
    # The machine's clock was set back. Up to so much more than the mark may have been shown.
    return SteadyTime(wall, monotonic, not_before_ms=mark_ms + MARK_EVERY_MS)
