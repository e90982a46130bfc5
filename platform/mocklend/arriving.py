"""Bodies of requests as they arrive, each with a deadline: no thread and no task of the event loop waits for one.

read ─▶ came, broke off, or is cancelled: too late, the server stops ─▶ `then` ─▶ the part, or a refusal
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import Protocol

from mocklend.domain.problems import Refused


class Read(Protocol):
    """A part of a body that is read from a connection: granian's future. `cancel` calls back, too."""

    def add_done_callback(self, call: Callable[[Read], None], /) -> None: ...
    def result(self) -> bytes: ...
    def cancel(self) -> bool: ...


class Arriving:
    """The parts of bodies that are being read. Thread-safe."""

    def __init__(self, deadline_s: float) -> None:
        self.deadline_s = deadline_s
        """How long a whole body may take."""
        self._reads: dict[Read, float] = {}
        self._stopping = False

    def __len__(self) -> int:
        return len(self._reads)

    def until_s(self) -> float:
        """The time, by `monotonic`, until which a body has to arrive whose first part is read now."""
        return time.monotonic() + self.deadline_s

    def expect(self, read: Read, until_s: float, then: Callable[[Read], object]) -> None:
        """Call `then`, on the thread on which granian calls back, once a part came or will not come.

        `then` gets it by `part`. It must not hold `read`, which holds it: Python's garbage collector cannot see that.
        """
        self._reads[read] = until_s
        read.add_done_callback(partial(self._came, then))
        if self._stopping:
            read.cancel()

    def _came(self, then: Callable[[Read], object], read: Read) -> None:
        try:
            then(read)
        finally:
            del self._reads[read]  # Last: see `Door.drained`.

    def part(self, read: Read) -> bytes:
        """Return what came. Raises Refused `body_late`, `body_incomplete`, `server_stopping`."""
        try:
            return read.result()
        except asyncio.CancelledError:
            if self._stopping:
                raise Refused("server_stopping", "the server is stopping") from None
            raise Refused(
                "body_late",
                "the body did not arrive in time",
                expected=f"a whole body in {self.deadline_s:g} s",
            ) from None
        except Exception:
            raise incomplete() from None  # Granian has an exception of its own for a broken connection.

    def give_up(self) -> None:
        """Refuse the bodies that are late. To be called often, which is cheaper than a timer for each of them."""
        now_s = time.monotonic()
        for read, until_s in self._reads.copy().items():
            if until_s <= now_s:
                read.cancel()

    def stop(self) -> None:
        """Refuse all bodies that have not arrived, and those of later requests."""
        self._stopping = True
        for read in self._reads.copy():
            read.cancel()


def incomplete() -> Refused:
    """The refusal of a body that ended too early."""
    return Refused("body_incomplete", "the connection ended before the whole body arrived", expected="the whole body")
