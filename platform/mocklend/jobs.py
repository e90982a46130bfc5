"""What runs by itself while a server is up: one thread, the ticker of the sandboxes whose clocks run.

Due times live in the database; the ticker only asks. If it is late, the next tick does it all, once: also where it is
late since the database was gone. It waits on the monotonic clock: a scheduler by date would wait for an hour to come
again when the machine's clock is set back by one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

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


class Repeating:
    """Does the same again and again on a thread of its own, with a pause after each time, until it is shut down."""

    def __init__(self, act: Callable[[], None], pause_s: float) -> None:
        self._act, self._pause_s = act, pause_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mocklend-ticker", daemon=True)
        self._thread.start()

    def shutdown(self) -> None:
        """Stop, once what is on has ended."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(self._pause_s):
            self._act()


def start_jobs(lender: Lender) -> Repeating:
    """Start ticking. Shut it down before the lender is closed."""
    return Repeating(Ticker(lender), TICK_S)
