"""Which processes have an SQLite database open: one server alone, or any number that are no server.

A server keeps pages in memory, so it must know of every write. Each process that opens the database locks a file beside
it as long as it lives: a server for itself alone, the others together. The system releases the lock of a process that
is killed. PostgreSQL needs none of this: there, nothing is kept in memory.
"""

from __future__ import annotations

import os

from sqlalchemy import URL

from mocklend.storage.opening import CannotOpen, display_name

try:
    import fcntl
except ImportError:  # Not on Windows, where nothing holds two processes apart.
    fcntl = None  # type: ignore[assignment]

SUFFIX = "-open"
"""The lock file's name is the database's and this."""


class OpenLock:
    """The lock of one process, held until it is closed."""

    def __init__(self, url: URL, *, alone: bool) -> None:
        """Take the lock. Raises CannotOpen if a server has the database, or if `alone` and anybody has."""
        self._file: int | None = None
        name = url.database or ""
        if fcntl is None or url.get_backend_name() != "sqlite" or name in ("", ":memory:") or name.startswith("file:"):
            return
        try:
            self._file = os.open(name + SUFFIX, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            if os.fstat(self._file).st_uid == os.geteuid():
                os.fchmod(self._file, os.stat(name).st_mode & 0o666)  # Who may open the database may lock it.
            fcntl.flock(self._file, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            raise CannotOpen(
                f"{display_name(url)} is open in another process, and one process serves an SQLite database.",
                "Ask its server over HTTP, stop it first, or use PostgreSQL, which any number of processes may serve.",
            ) from None
        except OSError as failure:
            self.close()
            raise CannotOpen(f"{name}{SUFFIX} cannot be locked: {failure.strerror}.") from None

    @property
    def is_held(self) -> bool:
        """Whether there is a lock: not for PostgreSQL, nor where the database's file is not known."""
        return self._file is not None

    def close(self) -> None:
        """Release the lock. The file stays: another process may be waiting to lock it."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
