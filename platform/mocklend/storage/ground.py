"""What the platform stands on, and what is said when it gives way: the one place that knows the drivers' errors.

        driver's error ──▶ trouble_of ──▶ a kind of trouble ──▶ Unavailable: 503, what is wrong, what to do
                                              │
                                              └ it lasts: others are refused at once, and one a RETRY_S tries again

A trouble that lasts (a full disk, a held lock, a database that is gone) is found out once. Until it is over nobody
waits for it and nothing but the one that tries costs anything; the first that succeeds ends it. No restart is needed.
What is not here (a constraint, a wrong statement) is a bug of ours, and stays loud.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy.exc import DBAPIError, PendingRollbackError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from mocklend.domain.problems import Refused
from mocklend.logs import get_logger, in_a_line

RETRY_S = 0.5
"""While a trouble lasts, one asks the database so often; the others are refused without it."""
LOOK_S = 0.2
"""So often it is looked whether the database's file is still there. A write looks after each commit as well."""
STILL_S = 60.0
SAID_AGAIN_S = 10.0
"""A trouble that comes and goes is told of so often, whatever it does meanwhile."""

log = get_logger()


@dataclass(frozen=True, slots=True)
class Trouble:
    """A way in which the ground gives way. `lasts`: the next one would meet it too. `reads`: it stops them as well.

    `again`: the commands of a group that met it may be tried one by one.
    """

    kind: str
    said: str
    remedy: str
    lasts: bool = False
    reads: bool = False
    again: bool = False


DISK_FULL = Trouble("disk_full", "the database's disk is full", "Make room on it.", lasts=True)
DISK_FAILS = Trouble(
    "disk_fails", "the database's disk does not do as told", "Look at its room, its quota and its health.", lasts=True
)
LOCKED = Trouble("locked", "somebody else holds the database's lock", "Let the other process end.", lasts=True)
ROW_LOCKED = Trouble("row_locked", "somebody else holds a lock on these rows", "Let the other transaction end.")
READ_ONLY = Trouble("read_only", "the database takes no writes", "Give its file or server write access.", lasts=True)
MOVED = Trouble(
    "moved",
    "the database's file was removed or replaced",
    "Put it back, or start the server again to begin with what is there.",
    lasts=True,
    reads=True,
)
GONE = Trouble("gone", "the database does not answer", "Start it, or look at the network.", lasts=True, reads=True)
DROPPED = Trouble("dropped", "the database ended the connection", "Repeat the request.")
NONE_FREE = Trouble("none_free", "the database has no connection free", "Allow it more, or use fewer processes.")
TIMED_OUT = Trouble("timed_out", "the database gave up on the statement", "Look at its time-outs and its load.")
DEADLOCK = Trouble("deadlock", "another process wanted the same rows", "Repeat the request.", again=True)
NO_MEMORY = Trouble("no_memory", "there is no memory left for the database", "Free some.")
DAMAGED = Trouble("damaged", "the database is not as it was made", "Put a good copy in its place.", lasts=True)

SQLITE: dict[int, Trouble] = {
    3: READ_ONLY, 5: LOCKED, 6: LOCKED, 7: NO_MEMORY, 8: READ_ONLY, 10: DISK_FAILS, 11: DAMAGED, 13: DISK_FULL,
    14: GONE, 15: LOCKED, 23: READ_ONLY, 26: DAMAGED,
}  # fmt: skip
"""By SQLite's primary result codes. Those that are left out are ours: a constraint, a type, a misuse."""
READONLY_DBMOVED = 1032

POSTGRESQL: dict[str, Trouble] = {
    "08": GONE, "28": GONE, "3D000": GONE, "57P03": GONE, "57P04": GONE,
    "57P": DROPPED, "57": TIMED_OUT, "25P": TIMED_OUT, "25006": READ_ONLY,
    "53": NONE_FREE, "53100": DISK_FULL, "53200": NO_MEMORY,
    "55P03": ROW_LOCKED, "55006": ROW_LOCKED, "40": DEADLOCK,
    "58": DISK_FAILS, "XX001": DAMAGED, "XX002": DAMAGED,
    "42P01": DAMAGED, "42703": DAMAGED, "3F000": DAMAGED, "42501": READ_ONLY,
}  # fmt: skip
"""By SQLSTATE, the longest beginning that is there. 42P01, 42703: a table or column of ours was taken away."""


class FileMoved(Exception):
    """A connection was about to be made to a file that is not the one we opened."""


def trouble_of(failure: BaseException, *, to_write: bool = True) -> Trouble | None:
    """Which trouble a driver's error stands for, or None where it is none of the ground's."""
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
        return DAMAGED  # Our statements were right when we started.
    return None if code is None else SQLITE.get(code & 0xFF)


def _of_postgresql(driver: BaseException, *, cut: bool, to_write: bool) -> Trouble | None:
    state: str | None = getattr(driver, "sqlstate", None)
    if state is None:  # Not from the server: it was not reached, or went while it was asked.
        named = {one.__name__ for one in type(driver).__mro__}
        if not named & {"OperationalError", "InterfaceError"}:
            return None
        return DROPPED if cut else GONE
    if state == "25006" and not to_write:
        return None  # A read that writes is a bug of ours.
    for length in (5, 3, 2):
        if (trouble := POSTGRESQL.get(state[:length])) is not None:
            return DROPPED if cut and trouble is GONE else trouble
    return None


class Unavailable(Refused):
    """The ground gives way: nothing is wrong with the request, and it may be repeated."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__("unavailable", f"{trouble.said}. {trouble.remedy}")
        self.trouble = trouble


@dataclass(slots=True)
class Down:
    """A trouble that lasts, since when, when it is to be tried again, and how many were refused meanwhile."""

    trouble: Trouble
    since: float
    try_at: float
    told_at: float
    refused: int = 0


@dataclass(slots=True)
class Files:
    """An SQLite database's files, to tell when they are not those any more that we hold open."""

    held: dict[str, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, path: Path) -> Files:
        """The files as they are now. Somebody has to keep the database open, or SQLite removes its log itself."""
        found = cls()
        for one in (str(path), f"{path}-wal"):
            try:
                at = os.stat(one)
            except OSError:
                continue
            found.held[one] = (at.st_dev, at.st_ino)
        return found

    def moved(self) -> bool:
        """Whether a path leads elsewhere than to what we hold: then a write would be lost with its file."""
        for path, known in self.held.items():
            try:
                at = os.stat(path)
            except OSError:
                return True
            if (at.st_dev, at.st_ino) != known:
                return True
        return False

    def trouble(self) -> Trouble | None:
        """What is wrong with them, as far as can be seen from outside."""
        if self.moved():
            return MOVED
        return None if all(os.access(path, os.W_OK) for path in self.held) else READ_ONLY


class Ground:
    """What is known of one engine's database. Thread-safe. While all is well, asking costs a look at one field."""

    def __init__(self, name: str, now: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self.files: Files | None = None
        self._now = now
        self._down: Down | None = None
        self._lock = threading.Lock()
        self._look_at = 0.0
        self._said: dict[str, float] = {}

    @property
    def trouble(self) -> Trouble | None:
        """The trouble that lasts, if one does."""
        down = self._down
        return None if down is None else down.trouble

    def expect(self, *, to_write: bool) -> None:
        """Raise Unavailable where it is known already, and not yet time to try again."""
        down = self._down
        if down is not None and (to_write or down.trouble.reads) and self._now() < down.try_at:
            self._refuse(down)

    def admit(self, *, to_write: bool) -> Down | None:
        """Let somebody at the database. Raises Unavailable; returns the trouble that the caller is to try again."""
        if self.files is not None:
            now = self._now()
            if now >= self._look_at:
                self._look_at = now + LOOK_S
                self._look(to_write=to_write)
        down = self._down
        if down is None or not (to_write or down.trouble.reads):
            return None
        if down.trouble is not MOVED:  # Only a look at the files ends that: a try would write where nobody finds it.
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
        elif self.trouble is MOVED:  # The very same file is at its place again.
            assert self._down is not None
            self.is_back(self._down)

    def _refuse(self, down: Down) -> Down:
        with self._lock:
            down.refused += 1
            still = self._now() >= down.told_at + STILL_S
            if still:
                down.told_at = self._now()
        if still:
            log.warning("the database still cannot be used", **self._about(down.trouble), **self._so_far(down))
        raise Unavailable(down.trouble)

    def failed(self, failure: BaseException, *, to_write: bool) -> Unavailable | None:
        """What to answer for a failure, or None where the ground is not to blame."""
        if isinstance(failure, Unavailable):
            return None
        trouble = trouble_of(failure, to_write=to_write)
        if trouble is None:
            return None
        if self.files is not None and trouble.lasts and self.files.moved():
            trouble = MOVED  # What SQLite says of a file that is gone has many names.
        self.went(trouble, in_a_line(failure))
        return Unavailable(trouble)

    def went(self, trouble: Trouble, why: str) -> None:
        """There is trouble. Told of in one line, however many meet it."""
        with self._lock:
            now, down = self._now(), self._down
            new = down is None or down.trouble is not trouble
            if trouble.lasts:
                if down is None or new:
                    since, refused = (now, 0) if down is None else (down.since, down.refused)
                    down = self._down = Down(trouble, since, now + RETRY_S, now, refused)
                down.refused += 1
                down.try_at = now + RETRY_S
            told = new and self._may_say(trouble.kind, now)
        if told:
            words = "the database cannot be used" if trouble.lasts else "the database did not do what it was asked"
            log.warning(words, **self._about(trouble), why=why)

    def is_back(self, down: Down) -> None:
        """Who was to try again has succeeded."""
        with self._lock:
            if self._down is None:
                return
            ended, self._down = self._down, None
            told = self._may_say("back", self._now())
        if told:
            log.info("the database can be used again", was=ended.trouble.kind, **self._so_far(ended))

    def _may_say(self, what: str, now: float) -> bool:
        if now < self._said.get(what, -SAID_AGAIN_S) + SAID_AGAIN_S:
            return False
        self._said[what] = now
        return True

    def _about(self, trouble: Trouble) -> dict[str, Any]:
        stops = "reads and writes" if trouble.reads else "writes"
        about = {"cause": trouble.kind, "said": trouble.said, "remedy": trouble.remedy, "database": self.name}
        return about | ({"refused_until_it_is_back": stops} if trouble.lasts else {})

    def _so_far(self, down: Down) -> dict[str, Any]:
        return {"after_s": round(self._now() - down.since, 1), "refused": down.refused}


def kinds() -> Iterator[Trouble]:
    """Every kind of trouble."""
    seen = {one.kind: one for one in (*SQLITE.values(), *POSTGRESQL.values(), MOVED, DROPPED)}
    yield from seen.values()
