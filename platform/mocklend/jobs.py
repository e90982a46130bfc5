"""What runs by itself while a server is up: one job, the ticker of the sandboxes whose clocks run.

Due times live in the database; the ticker only asks. If it is late, the next tick does it all, once.
"""

from __future__ import annotations

import logging

from apscheduler.schedulers.background import BackgroundScheduler  # type: ignore[import-untyped]

from mocklend.lender import Lender

TICK_S = 0.2


def start_jobs(lender: Lender) -> BackgroundScheduler:
    """Start ticking. Shut the scheduler down before the lender is closed."""
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # A tick that is skipped is no news.
    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.add_job(
        lender.tick, "interval", seconds=TICK_S, id="tick", coalesce=True, max_instances=1, misfire_grace_time=None
    )
    scheduler.start()
    return scheduler
