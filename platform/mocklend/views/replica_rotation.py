"""Whose turn it is: reads of one page go to its two replicas by turns, and only while the replicas differ.

This is the one thing about a view that is decided as it is read. It is kept in the process and written nowhere: what is
on record is that the replicas differ, from when until when, and that was decided when the page was written.
"""

from __future__ import annotations

import threading

REPLICAS_MAX = 10_000
"""Pages that are remembered; beyond that, all begin anew with the first replica."""


class ReplicaRotation:
    """The next replica of each page that was read. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._first_was_last: set[tuple[str, str]] = set()

    def second(self, sandbox_id: str, loan_id: str) -> bool:
        """Whether this read goes to the second replica: every other one does, beginning with the first."""
        page = (sandbox_id, loan_id)
        with self._lock:
            if page in self._first_was_last:
                self._first_was_last.discard(page)
                return True
            if len(self._first_was_last) >= REPLICAS_MAX:
                self._first_was_last.clear()
            self._first_was_last.add(page)
            return False
