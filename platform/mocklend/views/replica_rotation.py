"""Replica rotation: while the two replicas of a status page differ, its reads alternate between them.

This is the only part of a view that is decided at a read. It is kept in memory: the database stores from when until
when the replicas differ, which was decided when the page was written.
"""

from __future__ import annotations

import threading

REPLICAS_MAX = 10_000
"""The most status pages in memory; above that, all start again with the first replica."""


class ReplicaRotation:
    """The next replica of each status page that was read. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._first_was_last: set[tuple[str, str]] = set()

    def forget(self, sandbox_id: str) -> None:
        """Start again with the first replica in a sandbox that was reset or deleted."""
        with self._lock:
            self._first_was_last = {page for page in self._first_was_last if page[0] != sandbox_id}

    def second(self, sandbox_id: str, loan_id: str) -> bool:
        """Whether this read goes to the second replica. The first read goes to the first, then they alternate."""
        page = (sandbox_id, loan_id)
        with self._lock:
            if page in self._first_was_last:
                self._first_was_last.discard(page)
                return True
            if len(self._first_was_last) >= REPLICAS_MAX:
                self._first_was_last.clear()
            self._first_was_last.add(page)
            return False
