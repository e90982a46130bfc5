"""What runs by itself while a server is up: one job, the ticker of the sandboxes whose clocks run.

Due times live in the database; the ticker only asks. If it is late, the next tick does it all, once: also where it is
late since the database was gone.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from apscheduler.schedulers.background import BackgroundScheduler  # type: ignore[import-untyped]

from mocklend.lender import Lender
from mocklend.logs import get_logger, in_a_line
from mocklend.storage.ground import Unavailable

TICK_S = 0.2
TOLD_AGAIN_S = 60.0
"""A tick that fails in the same way again is told of so often."""

log = get_logger()


class Ticker:
    """Ticks, whatever a tick meets. A failure is told of in one line, not five times a second."""

    def __init__(self, lender: Lender, now: Callable[[], float] = time.monotonic) -> None:
        self._lender = lender
        self._now = now
        self._told = ("", 0.0)

    def __call__(self) -> None:
        """One tick."""
        try:
            self._lender.tick()
        except Unavailable:
            pass  # The ground has told of it; what is due stays due.
        except Exception as failure:
            why, now = in_a_line(failure), self._now()
            if why != self._told[0] or now >= self._told[1] + TOLD_AGAIN_S:
                self._told = (why, now)
                log.error("what is due could not be worked off", exc_info=failure)


def start_jobs(lender: Lender) -> BackgroundScheduler:
    """Start ticking. Shut the scheduler down before the lender is closed."""
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # A tick that is skipped is no news.
    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.add_job(
        Ticker(lender), "interval", seconds=TICK_S, id="tick", coalesce=True, max_instances=1, misfire_grace_time=None
    )
    scheduler.start()
    return scheduler
