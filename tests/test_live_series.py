"""The series of a sandbox: a row a second, whoever is not looked at costs nothing, and nothing grows."""

from __future__ import annotations

import random
import statistics

import pytest

from mocklend.live_series import RATIO, ROWS_MAX, SANDBOXES_MAX, WATCHED_S, LiesSeen, LiveSeries
from support.story import Clock


@pytest.fixture
def series(clock: Clock) -> LiveSeries:
    """A series on the test's time, in which `sbx` is looked at."""
    made = LiveSeries(clock)
    made.looks_due("sbx")
    return made


def passes(clock: Clock, seconds: int = 1) -> None:
    clock.ms += seconds * 1000


def test_a_second_is_a_row_once_it_is_over(series: LiveSeries, clock: Clock) -> None:
    for status in (200, 201, 404, 422, 503):
        series.count("sbx", status, 0.002)
    series.count("sbx", 200, 0.001, delay_ms=1_500)
    series.count("sbx", 200, 0.001, stale=False)
    series.count("sbx", 200, 0.001, stale=True)
    assert series.rows("sbx").rows == []

    passes(clock)

    (row,) = series.rows("sbx").rows
    assert row["second"] == clock.ms // 1000 - 1
    assert (row["requests"], row["refused"], row["failed"]) == (8, 2, 1)
    assert (row["delayed"], row["delay_ms"]) == (1, 1_500)
    assert (row["page_reads"], row["stale_reads"]) == (2, 1)
    assert (row["injections"], row["open"], row["healed"]) == (None, None, None)


def test_a_second_without_requests_is_a_row_too(series: LiveSeries, clock: Clock) -> None:
    series.count("sbx", 200, 0.001)
    passes(clock, 3)
    series.count("sbx", 200, 0.001)
    passes(clock)

    rows = series.rows("sbx").rows

    assert [row["requests"] for row in rows] == [1, 0, 0, 1]
    assert [row["second"] - rows[0]["second"] for row in rows] == [0, 1, 2, 3]
    assert rows[1]["p50_ms"] is None


def test_only_rows_after_a_second_are_asked_for(series: LiveSeries, clock: Clock) -> None:
    passes(clock, 5)
    rows = series.rows("sbx").rows

    assert series.rows("sbx", rows[2]["second"]).rows == rows[3:]
    assert series.rows("sbx", rows[-1]["second"]).rows == []
    assert series.rows("sbx", 0).rows == rows


def test_percentiles_are_those_of_the_durations_within_a_bucket(series: LiveSeries, clock: Clock) -> None:
    chance = random.Random(1)
    durations = [chance.lognormvariate(-6, 1) for _ in range(1_000)]
    for duration in durations:
        series.count("sbx", 200, duration)
    passes(clock)

    (row,) = series.rows("sbx").rows

    assert row["p50_ms"] == pytest.approx(statistics.median(durations) * 1000, rel=RATIO**0.5 - 0.99)
    assert row["p95_ms"] == pytest.approx(sorted(durations)[949] * 1000, rel=RATIO**0.5 - 0.99)


def test_nothing_grows_with_time_or_sandboxes(series: LiveSeries, clock: Clock) -> None:
    for _ in range(ROWS_MAX + 50):
        series.looks_due("sbx")
        series.count("sbx", 200, 0.001)
        passes(clock)
    assert len(series.rows("sbx").rows) == ROWS_MAX
    passes(clock, 10 * ROWS_MAX)
    assert len(series.rows("sbx").rows) == ROWS_MAX

    for n in range(2 * SANDBOXES_MAX):
        passes(clock)
        series.looks_due(f"sbx_{n}")
    assert len(series._watched) <= SANDBOXES_MAX
    assert series.rows("sbx").rows == [], "the one that nobody has asked for the longest is gone"


def test_whom_nobody_looks_at_is_not_counted(series: LiveSeries, clock: Clock) -> None:
    series.count("other", 200, 0.001)
    assert "other" not in series._watched

    passes(clock, WATCHED_S + 1)
    series.count("sbx", 200, 0.001)

    assert "sbx" not in series._watched
    assert series.rows("sbx").rows == []


def test_the_answer_key_is_looked_at_once_a_second(series: LiveSeries, clock: Clock) -> None:
    assert series.looks_due("sbx")
    series.note_lies("sbx", LiesSeen(5, 3, 2))
    assert not series.looks_due("sbx")
    passes(clock)
    assert series.looks_due("sbx")

    (row,) = series.rows("sbx").rows

    assert (row["injections"], row["open"], row["healed"]) == (5, 3, 2)


def test_a_reset_sandbox_begins_again(series: LiveSeries, clock: Clock) -> None:
    passes(clock)
    series.forget("sbx")
    series.count("sbx", 200, 0.001)

    assert series.rows("sbx").rows == []
