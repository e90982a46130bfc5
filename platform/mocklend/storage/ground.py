"""The state of the database, and the answers while it cannot be used: the only module that knows drivers' errors.

        driver's error ──▶ trouble_of ──▶ a kind of trouble ──▶ Unavailable: 503, the trouble, the remedy
                                              │
                                              └ it lasts: requests are refused at once, one per RETRY_S retries

A trouble that lasts (a full disk, a held lock, an unreachable database) is detected once. Until it ends, requests are
refused without waiting, except for one retry at a time; the first success ends it. No restart is needed. Errors that
are not listed here (a constraint, a wrong statement) are bugs of Mocklend, and are raised.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.exc import DBAPIError, PendingRollbackError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from mocklend.domain.problems import Refused
from mocklend.logs import get_logger, in_a_line

RETRY_S = 0.5
"""Seconds between retries while a trouble lasts; other requests are refused without using the database."""
LOOK_S = 0.2
"""Seconds between checks that the database file is still in place. A write also checks after each commit."""
STILL_S = 60.0
LOG_AGAIN_S = 10.0
"""Seconds between log lines about a trouble that comes and goes."""

log = get_logger()


@dataclass(frozen=True, slots=True)
class Trouble:
    """A reason why the database cannot be used. `lasts`: the next request fails too. `reads`: it stops reads as well.

    `again`: the commands of a group that met it may be retried one by one.
    """

    kind: str
    message: str
    remedy: str
    lasts: bool = False
    reads: bool = False
    again: bool = False


DISK_FULL = Trouble("disk_full", "the database's disk is full", "Make room on it.", lasts=True)
DISK_FAILS = Trouble(
    "disk_fails", "the database's disk fails", "Check its space, its quota and its health.", lasts=True
)
LOCKED = Trouble("locked", "another process holds the database's lock", "Let the other process end.", lasts=True)
ROW_LOCKED = Trouble("row_locked", "another transaction holds a lock on these rows", "Let the other transaction end.")
READ_ONLY = Trouble("read_only", "the database refuses writes", "Give its file or server write access.", lasts=True)
MOVED = Trouble(
    "moved",
    "the database's file was removed or replaced",
    "Put it back, or restart the server to use the present file.",
    lasts=True,
    reads=True,
)
GONE = Trouble("gone", "the database does not answer", "Start it, or check the network.", lasts=True, reads=True)
DROPPED = Trouble("dropped", "the database ended the connection", "Repeat the request.")
NONE_FREE = Trouble("none_free", "the database has no free connection", "Allow more, or use fewer processes.")
TIMED_OUT = Trouble("timed_out", "the database gave up on the statement", "Check its timeouts and its load.")
DEADLOCK = Trouble("deadlock", "another process wanted the same rows", "Repeat the request.", again=True)
NO_MEMORY = Trouble("no_memory", "the database is out of memory", "Free memory.")
DAMAGED = Trouble("damaged", "the database is damaged", "Restore a good copy.", lasts=True)

SQLITE: dict[int, Trouble] = {
    3: READ_ONLY, 5: LOCKED, 6: LOCKED, 7: NO_MEMORY, 8: READ_ONLY, 10: DISK_FAILS, 11: DAMAGED, 13: DISK_FULL,
    14: GONE, 15: LOCKED, 23: READ_ONLY, 26: DAMAGED,
}  # fmt: skip
"""By SQLite's primary result codes. Codes that are left out are bugs of Mocklend: a constraint, a type, a misuse."""
READONLY_DBMOVED = 1032

POSTGRESQL: dict[str, Trouble] = {
    "08": GONE, "28": GONE, "3D000": GONE, "57P03": GONE, "57P04": GONE,
    "57P": DROPPED, "57": TIMED_OUT, "25P": TIMED_OUT, "25006": READ_ONLY,
    "53": NONE_FREE, "53100": DISK_FULL, "53200": NO_MEMORY,
    "55P03": ROW_LOCKED, "55006": ROW_LOCKED, "40": DEADLOCK,
    "58": DISK_FAILS, "XX001": DAMAGED, "XX002": DAMAGED,
    "42P01": DAMAGED, "42703": DAMAGED, "3F000": DAMAGED, "42501": READ_ONLY,
}  # fmt: skip
"""By SQLSTATE prefix; the longest match counts. 42P01, 42703: one of the tables or columns was removed."""


class FileMoved(Exception):
    """A new connection would use another file than the one opened before."""


def trouble_of(failure: BaseException, *, to_write: bool = True) -> Trouble | None:
    """The trouble that a driver's error means, or None where it is a bug."""
    if isinstance(failure, FileMoved):
        return MOVED
    if isinstance(failure, NoConnectionFree):
        return NONE_FREE
    if isinstance(failure, PendingRollbackError):
        return DROPPED
    cut = isinstance(failure, DBAPIError) and failure.connection_invalidated
    driver = failure.orig if isinstance(failure, DBAPIError) else failure
    if isinstance(driver, sqlite3.Error):
        return _of_sqlite(driver)
    if driver is None or not type(driver).__module__.startswith("psycopg"):
        return None
    return _of_postgresql(driver, cut=cut, to_write=to_write)


def _of_sqlite(driver: sqlite3.Error) -> Trouble | None:
    code: int | None = getattr(driver, "sqlite_errorcode", None)
    if code == READONLY_DBMOVED:
        return MOVED
    if code == sqlite3.SQLITE_ERROR and str(driver).startswith(("no such table", "no such column")):
        return DAMAGED  # The statements matched the schema at the start.
    return None if code is None else SQLITE.get(code & 0xFF)


def _of_postgresql(driver: BaseException, *, cut: bool, to_write: bool) -> Trouble | None:
    state: str | None = getattr(driver, "sqlstate", None)
    if state is None:  # Not from the server: it was unreachable, or went away during the query.
        named = {cls.__name__ for cls in type(driver).__mro__}
        if not named & {"OperationalError", "InterfaceError"}:
            return None
        return DROPPED if cut else GONE
    if state == "25006" and not to_write:
        return None  # A read that writes is a bug of Mocklend.
    for length in (5, 3, 2):
        if (trouble := POSTGRESQL.get(state[:length])) is not None:
            return DROPPED if cut and trouble is GONE else trouble
    return None


class Unavailable(Refused):
    """The database cannot be used: nothing is wrong with the request, and it may be repeated."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__("unavailable", f"{trouble.message}. {trouble.remedy}")
        self.trouble = trouble


@dataclass(slots=True)
class Down:
    """A trouble that lasts: its start, the time of the next retry, and the number of refused requests."""

    trouble: Trouble
    since: float
    try_at: float
    logged_at: float
    refused: int = 0


@dataclass(slots=True)
class Files:
    """An SQLite database's files, to detect that the paths no longer lead to the open files."""

    inodes: dict[str, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, path: Path) -> Files:
        """The files at present. The caller has to keep the database open, or SQLite removes its log."""
        files = cls()
        for name in (str(path), f"{path}-wal"):
            try:
                status = os.stat(name)
            except OSError:
                continue
            files.inodes[name] = (status.st_dev, status.st_ino)
        return files

    def has_moved(self) -> bool:
        """Whether a path no longer leads to the open file: then a write would be lost with that file."""
        for path, inode in self.inodes.items():
            try:
                status = os.stat(path)
            except OSError:
                return True
            if (status.st_dev, status.st_ino) != inode:
                return True
        return False

    def trouble(self) -> Trouble | None:
        """The trouble of the files that their paths show, or None."""
        if self.has_moved():
            return MOVED
        return None if all(os.access(path, os.W_OK) for path in self.inodes) else READ_ONLY


class Ground:
    """The state of one engine's database. Thread-safe. Without trouble a check reads one field."""

    def __init__(self, name: str, now: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self.files: Files | None = None
        self._now = now
        self._down: Down | None = None
        self._lock = threading.Lock()
        self._look_at = 0.0
        self._logged: dict[str, float] = {}

    @property
    def trouble(self) -> Trouble | None:
        """The present trouble that lasts, or None."""
        down = self._down
        return None if down is None else down.trouble

    def expect(self, *, to_write: bool) -> None:
        """Raise Unavailable if a trouble lasts and the next retry is not due."""
        down = self._down
        if down is not None and (to_write or down.trouble.reads) and self._now() < down.try_at:
            self._refuse(down)

    def admit(self, *, to_write: bool) -> Down | None:
        """Admit a transaction. Raises Unavailable; returns the lasting trouble that the caller retries, or None."""
        if self.files is not None:
            now = self._now()
            if now >= self._look_at:
                self._look_at = now + LOOK_S
                self._look(to_write=to_write)
        down = self._down
        if down is None or not (to_write or down.trouble.reads):
            return None
        if down.trouble is not MOVED:  # Only a check of the files ends it: a retry would write to the removed file.
            with self._lock:
                now = self._now()
                if now >= down.try_at:
                    down.try_at = now + RETRY_S
                    return down
        return self._refuse(down)

    def _look(self, *, to_write: bool) -> None:
        assert self.files is not None
        trouble = self.files.trouble()
        if trouble is not None:
            self.went(trouble, "its path leads elsewhere" if trouble is MOVED else "its file is write-protected")
            if to_write or trouble.reads:
                raise Unavailable(trouble)
        elif self.trouble is MOVED:  # The same file is in place again.
            assert self._down is not None
            self.is_back(self._down)

    def _refuse(self, down: Down) -> Down:
        with self._lock:
            down.refused += 1
            still = self._now() >= down.logged_at + STILL_S
            if still:
                down.logged_at = self._now()
        if still:
            log.warning("the database still cannot be used", **self._about(down.trouble), **self._so_far(down))
        raise Unavailable(down.trouble)

    def failed(self, failure: BaseException, *, to_write: bool) -> Unavailable | None:
        """The answer to a failure, or None where the database is not its cause."""
        if isinstance(failure, Unavailable):
            return None
        trouble = trouble_of(failure, to_write=to_write)
        if trouble is None:
            return None
        if self.files is not None and trouble.lasts and self.files.has_moved():
            trouble = MOVED  # SQLite reports a removed file by many codes.
        self.went(trouble, in_a_line(failure))
        return Unavailable(trouble)

    def went(self, trouble: Trouble, why: str) -> None:
        """Register a trouble, and log it once, however many requests meet it."""
        with self._lock:
            now, down = self._now(), self._down
            new = down is None or down.trouble is not trouble
            if trouble.lasts:
                if down is None or new:
                    since, refused = (now, 0) if down is None else (down.since, down.refused)
                    down = self._down = Down(trouble, since, now + RETRY_S, now, refused)
                down.refused += 1
                down.try_at = now + RETRY_S
            to_log = new and self._may_log(trouble.kind, now)
        if to_log:
            words = "the database cannot be used" if trouble.lasts else "the database did not execute a statement"
            log.warning(words, **self._about(trouble), why=why)

    def is_back(self, down: Down) -> None:
        """End a trouble after a successful retry."""
        with self._lock:
            if self._down is None:
                return
            ended, self._down = self._down, None
            to_log = self._may_log("back", self._now())
        if to_log:
            log.info("the database can be used again", was=ended.trouble.kind, **self._so_far(ended))

    def _may_log(self, key: str, now: float) -> bool:
        if now < self._logged.get(key, -LOG_AGAIN_S) + LOG_AGAIN_S:
            return False
        self._logged[key] = now
        return True

    def _about(self, trouble: Trouble) -> dict[str, str]:
        stops = "reads and writes" if trouble.reads else "writes"
        about = {"cause": trouble.kind, "said": trouble.message, "remedy": trouble.remedy, "database": self.name}
        return about | ({"refused_until_it_is_back": stops} if trouble.lasts else {})

    def _so_far(self, down: Down) -> dict[str, float]:
        return {"after_s": round(self._now() - down.since, 1), "refused": down.refused}


def kinds() -> Iterator[Trouble]:
    """Every kind of trouble."""
    by_kind = {trouble.kind: trouble for trouble in (*SQLITE.values(), *POSTGRESQL.values(), MOVED, DROPPED)}
    yield from by_kind.values()
