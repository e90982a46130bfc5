"""The ticker of a running server: it continues after a failed tick and after a change of the machine's clock."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, tzinfo

import pytest

from mocklend.machine_clock import wall_ns
from mocklend.memory import return_freed
from mocklend.scheduling import jobs
from mocklend.scheduling.jobs import Ticker
from mocklend.storage.ground import DISK_FULL, Unavailable

pytestmark = pytest.mark.security


def test_the_ticker_ticks_on_while_the_clock_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """APScheduler alone would wait for each hour to come again."""
    enough = threading.Event()
    ticks: list[int] = []

    class SetBack(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> SetBack:
            return super().now(tz) - timedelta(hours=len(ticks))

    def tick() -> None:
        ticks.append(1)
        if len(ticks) == 5:
            enough.set()

    monkeypatch.setattr(jobs, "datetime", SetBack)
    monkeypatch.setattr("apscheduler.schedulers.base.datetime", SetBack)
    monkeypatch.setattr(jobs, "wall_ns", lambda: wall_ns() - len(ticks) * 3_600_000_000_000)
    monkeypatch.setattr(jobs, "LOOK_S", 0.001)
    ticker = jobs.repeat(tick, 0.001)

    assert enough.wait(10)
    ticker.shutdown()


class Failing:
    """A tick that raises what it is given, and a clock that stands still until it is set."""

    def __init__(self, failure: Exception) -> None:
        self.failure: Exception | None = failure
        self.now_s = 0.0
        self.ticks = 0

    def __call__(self) -> None:
        self.ticks += 1
        if self.failure is not None:
            raise self.failure


def lines_of(capsys: pytest.CaptureFixture[str]) -> int:
    """How many lines were logged since the last look."""
    printed = capsys.readouterr()
    return (printed.out + printed.err).count("what is due could not be run")


def test_a_repeatedly_failing_tick_is_logged_once_per_minute(capsys: pytest.CaptureFixture[str]) -> None:
    tick = Failing(LookupError("no such loan"))
    ticker = Ticker(tick, lambda: tick.now_s)

    for _ in range(300):
        ticker()
        tick.now_s += 0.2

    assert (tick.ticks, lines_of(capsys)) == (300, 1)
    tick.now_s = jobs.LOGGED_AGAIN_S
    ticker()
    assert lines_of(capsys) == 1


def test_a_tick_that_fails_in_another_way_is_logged_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    tick = Failing(LookupError("no such loan"))
    ticker = Ticker(tick, lambda: tick.now_s)
    ticker()
    tick.failure = ZeroDivisionError("no such thing")
    ticker()

    assert lines_of(capsys) == 2


def test_the_ticker_does_not_log_an_unavailable_database(capsys: pytest.CaptureFixture[str]) -> None:
    ticker = Ticker(Failing(Unavailable(DISK_FULL)))

    ticker()

    assert lines_of(capsys) == 0


def test_jobs_tick_until_they_are_shut_down(monkeypatch: pytest.MonkeyPatch) -> None:
    ticked = threading.Semaphore(0)
    monkeypatch.setattr(jobs, "TICK_S", 0.001)
    scheduler = jobs.start_jobs(ticked.release)
    for _ in range(3):
        assert ticked.acquire(timeout=10)

    scheduler.shutdown()

    assert scheduler.get_jobs() == []
    while ticked.acquire(blocking=False):
        pass
    assert not ticked.acquire(timeout=0.05)


def test_a_server_returns_freed_memory_now_and_then() -> None:
    scheduler = jobs.start_jobs(lambda: None)

    try:
        assert [job.trigger.interval.total_seconds() for job in scheduler.get_jobs() if job.func is return_freed] == [
            jobs.MEMORY_S
        ]
    finally:
        scheduler.shutdown()
