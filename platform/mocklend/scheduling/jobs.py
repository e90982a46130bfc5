"""What runs by itself while a server is up: one job, the ticker of the sandboxes whose clocks run.

Due times live in the database; the ticker only asks. If it is late, the next tick does it all, once: also where it is
late since the database was gone.
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
from mocklend.storage.ground import Unavailable

TICK_S = 0.2
LOOK_S = 1.0
TOLD_AGAIN_S = 60.0
"""A tick that fails in the same way again is told of so often."""

log = get_logger()


class Ticker:
    """Ticks, whatever a tick meets. A failure is told of in one line, not five times a second."""

    def __init__(self, tick: Callable[[], object], now: Callable[[], float] = time.monotonic) -> None:
        self._tick = tick
        self._now = now
        self._told = ("", 0.0)

    def __call__(self) -> None:
        """One tick."""
        try:
            self._tick()
        except Unavailable:
            pass  # The ground has told of it; what is due stays due.
        except Exception as failure:
            why, now = in_a_line(failure), self._now()
            if why != self._told[0] or now >= self._told[1] + TOLD_AGAIN_S:
                self._told = (why, now)
                log.error("what is due could not be worked off", exc_info=failure)


class SteadyScheduler(BackgroundScheduler):  # type: ignore[misc]  # It brings no types.
    """APScheduler, for a machine whose clock may be set back.

    It goes by date: a job that is due in 0.2 s would be due in an hour and 0.2 s once the clock is set back by an hour.
    So it is looked at least once a second, on the monotonic clock; and where the date has gone back since, all jobs are
    due at once.
    """

    def _main_loop(self) -> None:
        seen, wait_s = wall_ns(), 0.0
        while self.state != STATE_STOPPED:
            self._event.wait(min(wait_s, LOOK_S))
            self._event.clear()
            now = wall_ns()
            if now < seen:
                for job in self.get_jobs():
                    job.modify(next_run_time=datetime.now(self.timezone))  # noqa: TID251 - as APScheduler counts
            seen = now
            next_s = self._process_jobs()
            wait_s = LOOK_S if next_s is None else next_s


def repeat(act: Callable[[], None], every_s: float) -> SteadyScheduler:
    """Do the same again and again, one at a time, until the scheduler is shut down."""
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # A tick that is skipped is no news.
    scheduler = SteadyScheduler(timezone="UTC")
    scheduler.add_job(act, "interval", seconds=every_s, coalesce=True, max_instances=1, misfire_grace_time=None)
    scheduler.start()
    return scheduler


def start_jobs(tick: Callable[[], object]) -> SteadyScheduler:
    """Start ticking. Shut it down before the platform is closed."""
    return repeat(Ticker(tick), TICK_S)
