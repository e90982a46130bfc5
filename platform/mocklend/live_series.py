"""What happens in a sandbox second by second, counted while somebody looks: at most ROWS_MAX rows, then the oldest go.

        request ─▶ answered ─▶ does somebody look at its sandbox? ─ no ─▶ nothing is counted
                                 └ yes ─▶ the row of this second ─▶ GET /-/live ─▶ the page Live

A process counts the requests that it answers. A sandbox is counted from when its series is first asked for until
nobody has asked for WATCHED_S. Durations go into a fixed histogram per second, of which only p50 and p95 are kept.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, NamedTuple, TypedDict, cast

from mocklend.domain.nouns import says

ROWS_MAX = 600
"""How many seconds of a sandbox are kept."""
WATCHED_S = 600
"""For how long a sandbox is counted after its series was last asked for, in seconds."""
SANDBOXES_MAX = 128
"""How many sandboxes are counted at one time. Beyond it, the one that nobody has asked for the longest is dropped."""
RATIO, SHORTEST_MS, BOUNDS = 1.15, 0.005, 107
MS = tuple(SHORTEST_MS * RATIO**n for n in range(BOUNDS))
"""The upper bounds of the histogram's buckets: from 0.005 ms to 13.6 s, each 15 % above the one before."""


class LiveRow(TypedDict):
    """One second of a sandbox."""

    second: Annotated[int, says("The second, since 1970, of the server's steady time.")]
    requests: Annotated[int, says("Requests answered on all planes but the control plane.")]
    refused: Annotated[int, says("Those answered with a status of 4xx.")]
    failed: Annotated[int, says("Those answered with a status of 5xx.")]
    p50_ms: Annotated[
        float | None,
        says("The median of the durations in ms, without injected delays, within 8 %; null without a request."),
    ]
    p95_ms: Annotated[float | None, says("The 95th percentile of the durations, as `p50_ms`.")]
    delayed: Annotated[int, says("Answers that a fault delayed.")]
    delay_ms: Annotated[int, says("The sum of their delays, in ms.")]
    page_reads: Annotated[int, says("Status pages answered.")]
    stale_reads: Annotated[
        int,
        says(
            "Those that showed an older version than the newest one of the loan. "
            "One from a shared cache counts if it was that old when it was kept there."
        ),
    ]
    injections: Annotated[
        int | None, says("Entries of the answer key so far; null if nobody looked in that second, or without faults.")
    ]
    open: Annotated[int | None, says("Those that are visible, counted up to 10,000; null as `injections`.")]
    healed: Annotated[int | None, says("Those that are not visible: nearly all are over; null as `injections`.")]


class _Row(NamedTuple):
    """A LiveRow in a third of its memory."""

    second: int
    requests: int
    refused: int
    failed: int
    p50_ms: float | None
    p95_ms: float | None
    delayed: int
    delay_ms: int
    page_reads: int
    stale_reads: int
    injections: int | None
    open: int | None
    healed: int | None


class LiesSeen(NamedTuple):
    """The figures of an answer key at one moment: entries so far, those that are open, and the others."""

    injections: int
    open: int
    healed: int


class Series(NamedTuple):
    """The rows of a sandbox that are complete, oldest first, and since which second they are counted."""

    rows: list[LiveRow]
    counted_since: int


@dataclass(slots=True)
class _Watched:
    """What is counted of one sandbox. `now` is the row of the second that has not ended."""

    since: int
    asked: int
    now: _Second
    rows: deque[_Row]


class _Second:
    """The counts of a second that has not ended."""

    __slots__ = (
        "buckets", "delay_ms", "delayed", "failed", "lies", "measured", "page_reads", "refused", "requests", "second",
        "stale_reads",
    )  # fmt: skip

    def __init__(self, second: int) -> None:
        self.second = second
        self.requests = self.refused = self.failed = self.measured = 0
        self.delayed = self.delay_ms = self.page_reads = self.stale_reads = 0
        self.buckets: list[int] | None = None
        self.lies: LiesSeen | None = None

    def row(self) -> _Row:
        """The second as a row."""
        p50_ms, p95_ms = (quantile(self.buckets, self.measured, share) for share in (0.5, 0.95))
        return _Row(
            self.second, self.requests, self.refused, self.failed, p50_ms, p95_ms, self.delayed, self.delay_ms,
            self.page_reads, self.stale_reads, *(self.lies or (None, None, None)),
        )  # fmt: skip


class LiveSeries:
    """The series of the sandboxes that somebody looks at. Thread-safe."""

    def __init__(self, real_ms: Callable[[], int]) -> None:
        self._real_ms = real_ms
        self._watched: dict[str, _Watched] = {}
        self._lock = threading.Lock()

    def count(
        self, sandbox_id: str, status: int, seconds: float | None, *, delay_ms: int = 0, stale: bool | None = None
    ) -> None:
        """Count an answered request. `stale` says of a status page whether there is a newer version; None for others.

        Where nobody looks this costs a look into a dict.
        """
        if sandbox_id not in self._watched:
            return
        with self._lock:
            watched = self._watched.get(sandbox_id)
            if watched is None:
                return
            second = self._real_ms() // 1000
            if second - watched.asked > WATCHED_S:
                del self._watched[sandbox_id]
                return
            now = self._at(watched, second)
            now.requests += 1
            if status >= 400:
                if status < 500:
                    now.refused += 1
                else:
                    now.failed += 1
            if seconds is not None:
                if now.buckets is None:
                    now.buckets = [0] * (BOUNDS + 1)
                now.buckets[bisect_left(MS, seconds * 1000)] += 1
                now.measured += 1
            if delay_ms:
                now.delayed += 1
                now.delay_ms += delay_ms
            if stale is not None and status == 200:
                now.page_reads += 1
                now.stale_reads += stale

    def looks_due(self, sandbox_id: str) -> bool:
        """Begin, or go on, to count a sandbox. Whether its answer key was not looked at in this second."""
        with self._lock:
            second = self._real_ms() // 1000
            watched = self._watched.get(sandbox_id)
            if watched is None:
                self._make_room(second)
                rows: deque[_Row] = deque(maxlen=ROWS_MAX)
                watched = self._watched[sandbox_id] = _Watched(second, second, _Second(second), rows)
            watched.asked = second
            return self._at(watched, second).lies is None

    def note_lies(self, sandbox_id: str, seen: LiesSeen) -> None:
        """Note what the answer key has now."""
        with self._lock:
            watched = self._watched.get(sandbox_id)
            if watched is not None:
                self._at(watched, self._real_ms() // 1000).lies = seen

    def rows(self, sandbox_id: str, since: int | None = None) -> Series:
        """The complete rows of a sandbox, those after the second `since`. Seconds without a request are rows, too."""
        with self._lock:
            second = self._real_ms() // 1000
            watched = self._watched.get(sandbox_id)
            if watched is None:
                return Series([], second)
            self._at(watched, second)
            begins = 0 if since is None or not watched.rows else since + 1 - watched.rows[0].second
            wanted = list(islice(watched.rows, max(0, begins), None))
        return Series([cast(LiveRow, row._asdict()) for row in wanted], watched.since)

    def forget(self, sandbox_id: str) -> None:
        """The sandbox was reset or deleted."""
        with self._lock:
            self._watched.pop(sandbox_id, None)

    def _at(self, watched: _Watched, second: int) -> _Second:
        """The counts of this second, after those before it have become rows."""
        now = watched.now
        if now.second >= second:
            return now
        watched.rows.append(now.row())
        for missed in range(max(now.second + 1, second - ROWS_MAX), second):
            watched.rows.append(_Second(missed).row())
        watched.now = _Second(second)
        return watched.now

    def _make_room(self, second: int) -> None:
        for sandbox_id in [id for id, one in self._watched.items() if second - one.asked > WATCHED_S]:
            del self._watched[sandbox_id]
        if len(self._watched) >= SANDBOXES_MAX:
            del self._watched[min(self._watched, key=lambda id: self._watched[id].asked)]


def quantile(buckets: list[int] | None, count: int, share: float) -> float | None:
    """The middle of the bucket, in ms, that a share of the durations does not exceed; None without any."""
    if buckets is None:
        return None
    wanted, seen = share * count, 0
    for n, number in enumerate(buckets):
        seen += number
        if seen >= wanted and number:
            return round(MS[min(n, BOUNDS - 1)] / (1 if n in (0, BOUNDS) else RATIO**0.5), 3)
    return None
