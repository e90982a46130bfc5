"""A process without HTTP that runs the clocks and the deliveries of a PostgreSQL database, until a signal stops it."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable

from mocklend.config import Settings, address_of
from mocklend.logs import adopt_libraries
from mocklend.runtime import open_platform
from mocklend.scheduling.jobs import start_jobs
from mocklend.scheduling.processes import WORKER
from mocklend.serving import SIGNALS, end, leave
from mocklend.storage.opening import refuse_sqlite


def work(settings: Settings, ready: Callable[[], None]) -> None:
    """Run clocks until a signal comes. `ready` is called once they run. A second signal ends the process at once.

    Webhooks go where a server with these settings would send them. Raises CannotOpen, OSError.
    """
    adopt_libraries()
    refuse_sqlite(settings.database, "that one also runs its clocks", "Leave them to `mocklend serve`")
    settings = settings.model_copy(update={"host": address_of(settings.host)})
    stop = threading.Event()

    def signalled(number: int, _frame: object) -> None:
        if stop.is_set():
            leave(128 + number)
        stop.set()

    platform = open_platform(settings)
    try:
        processes = platform.join(WORKER)
        ticker = start_jobs(platform.run_clocks, None if processes is None else processes.beat)
    except BaseException:
        platform.close()
        raise
    for number in SIGNALS:
        signal.signal(number, signalled)
    ready()
    stop.wait()
    stopped_s = time.monotonic()
    platform.stop_clocks()

    def close() -> None:
        ticker.shutdown()
        platform.close()

    end(close, stopped_s)
