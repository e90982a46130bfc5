"""A fair lock: threads get it in the order in which they asked for it.

Python's own lock goes to the fastest thread. A thread that releases it and acquires it again at once wins, since it is
running already and the waiting threads have to wake up. A writer that always has work would keep all others out.
"""

from __future__ import annotations

import threading
from collections import deque
from types import TracebackType


class TurnLock:
    """Held by one thread at a time; the next is the one that has waited longest."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._held = False
        self._waiting: deque[threading.Lock] = deque()

    def acquire(self, timeout: float = -1) -> bool:
        """Acquire the lock. False if `timeout` (seconds) was not enough; a negative timeout waits forever."""
        with self._guard:
            if not self._held:
                self._held = True
                return True
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        if turn.acquire(timeout=timeout):
            return True
        with self._guard:
            if turn in self._waiting:
                self._waiting.remove(turn)
                return False
        return True  # It was handed over at this moment.

    def release(self) -> None:
        """Release the lock, to the thread that has waited longest."""
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._held = False

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()
