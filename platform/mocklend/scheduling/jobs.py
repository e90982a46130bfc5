"""The jobs that run while a server is up: the ticker of the sandboxes whose clocks run, and the return of memory.

Due times are in the database; the ticker only triggers. If it is late, the next tick catches up once, also after the
database was unavailable.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import STATE_STOPPED

from mocklend.logs import get_logger, in_a_line
from mocklend.machine_clock import wall_ns
from mocklend.memory import return_freed
from mocklend.scheduling.processes import BEAT_S
from mocklend.storage.ground import Unavailable

TICK_S = 0.2
LOOK_S = 1.0
MEMORY_S = 10.0
"""How often freed memory is returned to the system."""
LOGGED_AGAIN_S = 60.0
"""How often the same failure of ticks is logged."""

log = get_logger()


class Ticker:
    """Ticks, whatever a tick raises. A repeated failure is logged once a minute, not five times a second."""

    def __init__(self, tick: Callable[[], object], now: Callable[[], float] = time.monotonic) -> None:
        self._tick = tick
        self._now = now
        self._logged = ("", 0.0)

    def __call__(self) -> None:
        """Tick once."""
        try:
            self._tick()
        except Unavailable:
            pass  # It is logged where it was noticed; what is due stays due.
        except Exception as failure:
            why, now = in_a_line(failure), self._now()
            if why != self._logged[0] or now >= self._logged[1] + LOGGED_AGAIN_S:
                self._logged = (why, now)
                log.error("what is due could not be run", exc_info=failure)


class SteadyScheduler(BackgroundScheduler):  # type: ignore[misc]  # It brings no types.
    """APScheduler, for a machine whose clock may be set back.

    APScheduler goes by date: a job that is due in 0.2 s would be due in an hour and 0.2 s after the clock is set back
    by an hour. So the jobs are checked at least once a second, on the monotonic clock; and if the date has gone back
    since, all are due at once.
    """

    def _main_loop(self) -> None:
        last_ns, wait_s = wall_ns(), 0.0
        while self.state != STATE_STOPPED:
            self._event.wait(min(wait_s, LOOK_S))
            self._event.clear()
            now = wall_ns()
            if now < last_ns:
                for job in self.get_jobs():
                    job.modify(next_run_time=datetime.now(self.timezone))  # noqa: TID251 - as APScheduler counts
            last_ns = now
            next_s = self._process_jobs()
            wait_s = LOOK_S if next_s is None else next_s


def repeat(act: Callable[[], object], every_s: float) -> SteadyScheduler:
    """Call a function again and again, one call at a time, until the scheduler is shut down."""
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # A skipped tick needs no log line.
    scheduler = SteadyScheduler(timezone="UTC")
    _add(scheduler, act, every_s)
    scheduler.start()
    return scheduler


def _add(scheduler: SteadyScheduler, act: Callable[[], object], every_s: float) -> None:
    scheduler.add_job(act, "interval", seconds=every_s, coalesce=True, max_instances=1, misfire_grace_time=None)


def start_jobs(tick: Callable[[], object], beat: Callable[[], object] | None = None) -> SteadyScheduler:
    """Start ticking, and returning freed memory. Shut it down before the platform is closed.

    `beat` shows other processes that this one is alive.
    """
    scheduler = repeat(Ticker(tick), TICK_S)
    if beat is not None:
        _add(scheduler, Ticker(beat), BEAT_S)
    _add(scheduler, return_freed, MEMORY_S)
    return scheduler
