"""The database becomes unavailable under an open platform: it is reported as that, once, and the platform recovers."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import event
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from mocklend.lending import AddBorrower
from mocklend.runtime import Platform
from mocklend.storage import ground as underneath
from mocklend.storage.entities import Repayment
from mocklend.storage.ground import LOG_AGAIN_S, RETRY_S, STILL_S, Ground, Trouble, Unavailable, trouble_of
from mocklend.storage.work import Answer
from support.story import Story

on_its_file = pytest.mark.sqlite_only(
    "it breaks a file or a connection of SQLite; test_postgresql_gone.py has the others"
)

SOON_MS = 1


class Clock:
    """Real time, for what waits before it tries again."""

    def __init__(self) -> None:
        self.s = 1_000.0

    def __call__(self) -> float:
        return self.s


@pytest.fixture
def clock(platform: Platform) -> Clock:
    """The time by which the platform's database is tried again."""
    machine = Clock()
    platform.ground._now = machine
    platform.ground._look_at = 0.0
    return machine


class Pragma:
    """An SQLite setting for each connection when it is used, which makes the database fail."""

    def __init__(self, platform: Platform) -> None:
        self.engine = platform.engine
        self.sql: str | None = None
        event.listen(self.engine, "checkout", self._set)

    def _set(self, dbapi_connection: Any, _record: Any, _proxy: Any) -> None:
        if self.sql is not None:
            dbapi_connection.execute(self.sql)


@pytest.fixture
def pragma(platform: Platform) -> Pragma:
    """What to tell SQLite."""
    return Pragma(platform)


def add(platform: Platform, story: Story, name: str) -> Answer:
    return platform.run(AddBorrower(story.sandbox_id, name, name.title(), 1))


def refused(platform: Platform, story: Story, name: str = "ada") -> str:
    """The trouble that a write is refused with."""
    with pytest.raises(Unavailable) as caught:
        add(platform, story, name)
    assert caught.value.code == "unavailable"
    assert caught.value.problem.status == 503
    return caught.value.trouble.kind


def fill(platform: Platform, story: Story) -> int:
    """Write until the database takes no more; how many were acknowledged."""
    for n in range(10_000):
        try:
            add(platform, story, f"b{n}")
        except Unavailable:
            return n
    raise AssertionError("it never was full")


# --- outages of a running platform ---


@on_its_file
def test_a_full_disk_loses_no_acknowledged_write_and_the_platform_recovers(
    platform: Platform, story: Story, pragma: Pragma, clock: Clock
) -> None:
    pragma.sql = "PRAGMA max_page_count=1"  # SQLite takes the size that it has for the least.

    acknowledged = fill(platform, story)
    assert platform.ground.trouble is underneath.DISK_FULL
    assert len(story.everything()["borrowers"]) == acknowledged

    pragma.sql = "PRAGMA max_page_count=1000000"
    clock.s += RETRY_S
    assert add(platform, story, "zoe").status == 201
    assert platform.ground.trouble is None
    assert len(story.everything()["borrowers"]) == acknowledged + 1


@on_its_file
def test_a_lock_of_another_process_is_waited_for_once(
    platform: Platform, story: Story, pragma: Pragma, clock: Clock, tmp_path: Path
) -> None:
    pragma.sql = f"PRAGMA busy_timeout={SOON_MS}"
    other = sqlite3.connect(tmp_path / "mocklend.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    statements: list[str] = []
    event.listen(platform.engine, "before_cursor_execute", lambda _c, _cur, sql, *_rest: statements.append(sql))

    assert [refused(platform, story) for _ in range(20)] == ["locked"] * 20
    assert statements.count("BEGIN IMMEDIATE") == 1
    assert story.everything()["borrowers"] == []

    other.execute("ROLLBACK")
    other.close()
    assert refused(platform, story) == "locked"
    clock.s += RETRY_S
    assert add(platform, story, "ada").status == 201


@on_its_file
def test_a_second_attempt_does_not_wait_for_a_held_lock(
    platform: Platform, story: Story, pragma: Pragma, clock: Clock, tmp_path: Path
) -> None:
    pragma.sql = f"PRAGMA busy_timeout={SOON_MS}"
    other = sqlite3.connect(tmp_path / "mocklend.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    refused(platform, story)
    statements: list[str] = []
    event.listen(platform.engine, "before_cursor_execute", lambda _c, _cur, sql, *_rest: statements.append(sql))

    clock.s += RETRY_S
    refused(platform, story)

    assert statements == ["PRAGMA busy_timeout=100", "BEGIN IMMEDIATE", "PRAGMA busy_timeout=5000"]
    other.close()


@on_its_file
def test_a_database_that_takes_no_writes_is_still_read(
    platform: Platform, story: Story, pragma: Pragma, clock: Clock
) -> None:
    add(platform, story, "ada")
    pragma.sql = "PRAGMA query_only=ON"

    assert refused(platform, story, "bob") == "read_only"
    assert [row["reference"] for row in story.everything()["borrowers"]] == ["ada"]

    pragma.sql = "PRAGMA query_only=OFF"
    clock.s += RETRY_S
    assert add(platform, story, "bob").status == 201


@on_its_file
def test_a_write_protected_file_is_not_written_by_an_open_platform(
    platform: Platform, story: Story, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # The mode means nothing to root.

    clock.s += 1
    assert refused(platform, story) == "read_only"
    assert story.everything()["borrowers"] == []

    monkeypatch.undo()
    clock.s += 1
    assert add(platform, story, "ada").status == 201


@pytest.mark.parametrize("ending", ["", "-wal"])
@on_its_file
def test_no_write_is_acknowledged_after_the_file_is_removed(
    platform: Platform, story: Story, clock: Clock, tmp_path: Path, ending: str
) -> None:
    add(platform, story, "ada")
    (tmp_path / f"mocklend.db{ending}").unlink()

    assert refused(platform, story, "bob") == "moved"  # Found after the commit: nobody is told that it is durable.
    with pytest.raises(Unavailable, match="removed or replaced"), platform.read():
        pass
    clock.s += 10
    assert refused(platform, story, "bob") == "moved"


@on_its_file
def test_a_file_that_comes_back_is_used_again_and_another_in_its_place_is_not(
    platform: Platform, story: Story, clock: Clock, tmp_path: Path
) -> None:
    add(platform, story, "ada")
    path, aside = tmp_path / "mocklend.db", tmp_path / "aside.db"
    path.rename(aside)
    shutil.copy(aside, path)
    clock.s += 1
    assert refused(platform, story, "bob") == "moved"

    os.replace(aside, path)
    clock.s += 1
    assert add(platform, story, "bob").status == 201
    assert platform.ground.trouble is None
    assert {row["reference"] for row in story.everything()["borrowers"]} == {"ada", "bob"}


@on_its_file
def test_a_new_connection_never_opens_another_file_in_the_place_of_the_database(
    platform: Platform, story: Story, clock: Clock, tmp_path: Path
) -> None:
    shutil.copy(tmp_path / "mocklend.db", tmp_path / "copy.db")
    with platform.read():  # One is in use, so that the next one is new.
        os.replace(tmp_path / "copy.db", tmp_path / "mocklend.db")
        connections = [platform.engine.connect() for _ in range(platform.engine.pool.checkedin())]  # type: ignore[attr-defined]
        with pytest.raises(Unavailable) as caught, platform.read():
            pass
        for item in connections:
            item.close()
    assert caught.value.trouble.kind == "moved"


@on_its_file
def test_a_missing_table_makes_the_database_unavailable(platform: Platform, story: Story, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "mocklend.db", isolation_level=None)
    other.execute("ALTER TABLE borrowers RENAME TO elsewhere")
    other.close()

    assert refused(platform, story) == "damaged"


@on_its_file
def test_a_group_that_fails_by_the_database_is_refused_without_a_try_for_each_command(
    platform: Platform, story: Story, pragma: Pragma
) -> None:
    pragma.sql = "PRAGMA query_only=ON"
    begun: list[str] = []
    event.listen(platform.engine, "before_cursor_execute", lambda _c, _cur, sql, *_rest: begun.append(sql))

    outcomes = platform.writer._commit([(AddBorrower(story.sandbox_id, f"b{n}", "B", 1), None) for n in range(200)])

    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 200
    assert (
        len({id(outcome) for outcome in outcomes}) == 200
    )  # Each waits in a thread of its own, and adds to the traceback.
    assert begun.count("BEGIN IMMEDIATE") == 1


@pytest.mark.parametrize(("trouble", "tries"), [(underneath.TIMED_OUT, 1), (underneath.DEADLOCK, 21)])
@on_its_file
def test_a_group_is_tried_one_by_one_only_if_that_may_help(
    platform: Platform, story: Story, pragma: Pragma, monkeypatch: pytest.MonkeyPatch, trouble: Trouble, tries: int
) -> None:
    monkeypatch.setitem(underneath.SQLITE, sqlite3.SQLITE_READONLY, trouble)
    pragma.sql = "PRAGMA query_only=ON"
    begun: list[str] = []
    event.listen(platform.engine, "before_cursor_execute", lambda _c, _cur, sql, *_rest: begun.append(sql))

    outcomes = platform.writer._commit([(AddBorrower(story.sandbox_id, f"b{n}", "B", 1), None) for n in range(20)])

    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 20
    assert begun.count("BEGIN IMMEDIATE") == tries


@on_its_file
def test_due_work_waits_for_the_database_and_is_then_done(
    platform: Platform, tell: Callable[..., Story], pragma: Pragma, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    from mocklend.scheduling.jobs import Ticker

    story = tell(mode="wall", now_ms=None)
    repayment_id = story.order(story.borrow(), 1_000)
    later_ms = platform.real_ms() + 60_000
    platform.real_ms = lambda: later_ms
    platform.writer._real_ms = platform.clocks.real_ms = platform.real_ms
    tick = Ticker(platform.tick)
    pragma.sql = "PRAGMA query_only=ON"

    for _ in range(50):
        tick()
    assert story.entity(Repayment, repayment_id).status == "PROCESSING"
    assert capsys.readouterr().err.count("\n") == 1

    pragma.sql = "PRAGMA query_only=OFF"
    clock.s += RETRY_S
    tick()
    tick()
    assert story.entity(Repayment, repayment_id).status == "S"
    assert story.discrepancies() == []


# --- one log line per outage ---


@pytest.fixture
def ground() -> tuple[Ground, Clock]:
    """A database with a clock, and no files."""
    clock = Clock()
    return Ground("mocklend.db", clock), clock


FULL = OperationalError("INSERT …", {}, sqlite3.OperationalError("database or disk is full"))
FULL.orig.sqlite_errorcode = sqlite3.SQLITE_FULL  # type: ignore[union-attr]


def test_an_outage_is_logged_at_its_start_once_per_minute_and_at_its_end(
    ground: tuple[Ground, Clock], capsys: pytest.CaptureFixture[str]
) -> None:
    under, clock = ground
    assert isinstance(under.failed(FULL, to_write=True), Unavailable)
    for _ in range(1_000):
        with pytest.raises(Unavailable):
            under.admit(to_write=True)
    began = capsys.readouterr().err.splitlines()
    clock.s += STILL_S
    trying = under.admit(to_write=True)
    for _ in range(5):
        with pytest.raises(Unavailable):
            under.admit(to_write=True)
    still = capsys.readouterr().err.splitlines()
    assert trying is not None
    under.is_back(trying)
    over = capsys.readouterr().err.splitlines()

    assert [len(began), len(still), len(over)] == [1, 1, 1]
    assert "cause=disk_full" in began[0]
    assert "refused=" in still[0]
    assert "refused=1006" in over[0]
    assert under.admit(to_write=True) is None


def test_a_recurring_outage_is_not_logged_each_time(
    ground: tuple[Ground, Clock], capsys: pytest.CaptureFixture[str]
) -> None:
    under, clock = ground
    for _ in range(100):
        under.failed(FULL, to_write=True)
        clock.s += RETRY_S
        trying = under.admit(to_write=True)
        assert trying is not None
        under.is_back(trying)

    lines = capsys.readouterr().err.splitlines()
    assert len(lines) <= 2 * (100 * RETRY_S / LOG_AGAIN_S + 1)


def test_one_thread_at_a_time_tries_again(ground: tuple[Ground, Clock]) -> None:
    under, clock = ground
    under.failed(FULL, to_write=True)
    clock.s += RETRY_S

    assert under.admit(to_write=True) is not None
    with pytest.raises(Unavailable):
        under.admit(to_write=True)
    assert under.admit(to_write=False) is None  # Whoever reads is not concerned.


# --- the drivers' errors ---


def of_sqlite(code: int, message: str = "…") -> OperationalError:
    driver = sqlite3.OperationalError(message)
    driver.sqlite_errorcode = code
    return OperationalError("SELECT", {}, driver)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (sqlite3.SQLITE_FULL, "disk_full"),
        (sqlite3.SQLITE_IOERR_WRITE, "disk_fails"),  # a quota, a limit on the size of files
        (sqlite3.SQLITE_IOERR_FSYNC, "disk_fails"),
        (sqlite3.SQLITE_IOERR_SHMSIZE, "disk_fails"),
        (sqlite3.SQLITE_BUSY, "locked"),
        (sqlite3.SQLITE_BUSY_RECOVERY, "locked"),
        (sqlite3.SQLITE_READONLY, "read_only"),
        (sqlite3.SQLITE_READONLY_DIRECTORY, "read_only"),
        (sqlite3.SQLITE_READONLY_DBMOVED, "moved"),
        (sqlite3.SQLITE_CANTOPEN, "gone"),
        (sqlite3.SQLITE_CORRUPT, "damaged"),
        (sqlite3.SQLITE_NOTADB, "damaged"),
        (sqlite3.SQLITE_NOMEM, "no_memory"),
        (sqlite3.SQLITE_CONSTRAINT, None),
        (sqlite3.SQLITE_CONSTRAINT_UNIQUE, None),
        (sqlite3.SQLITE_MISUSE, None),
        (sqlite3.SQLITE_ERROR, None),
    ],
)
def test_the_error_codes_of_sqlite_are_distinguished(code: int, kind: str | None) -> None:
    trouble = trouble_of(of_sqlite(code))

    assert (trouble and trouble.kind) == kind


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("08006", "gone"),
        ("08P01", "gone"),  # a pooler without room
        ("28P01", "gone"),
        ("3D000", "gone"),
        ("57P01", "dropped"),
        ("57P02", "dropped"),
        ("57P03", "gone"),
        ("57014", "timed_out"),
        ("25P03", "timed_out"),
        ("25006", "read_only"),
        ("53100", "disk_full"),
        ("53200", "no_memory"),
        ("53300", "none_free"),
        ("55P03", "row_locked"),
        ("40P01", "deadlock"),
        ("40001", "deadlock"),
        ("58030", "disk_fails"),
        ("42P01", "damaged"),
        ("42501", "read_only"),
        ("XX001", "damaged"),
        ("23505", None),
        ("42601", None),
        ("22003", None),
        ("26000", None),
    ],
)
def test_the_states_of_postgresql_are_distinguished(state: str, kind: str | None) -> None:
    driver = psycopg.errors.lookup(state)("…")
    assert driver.sqlstate == state

    trouble = trouble_of(OperationalError("SELECT", {}, driver))

    assert (trouble and trouble.kind) == kind


def test_a_write_on_a_read_connection_is_an_internal_error() -> None:
    assert trouble_of(InternalError("UPDATE", {}, psycopg.errors.ReadOnlySqlTransaction("…")), to_write=False) is None


def test_no_connection_is_distinguished_from_a_lost_connection() -> None:
    reached = OperationalError("SELECT", {}, psycopg.OperationalError("connection refused"))
    lost = OperationalError("SELECT", {}, psycopg.OperationalError("EOF"), connection_invalidated=True)
    closed = InterfaceError(
        "SELECT", {}, psycopg.InterfaceError("the connection is closed"), connection_invalidated=True
    )
    ours = ProgrammingError("SELECT", {}, psycopg.ProgrammingError("the query has 1 placeholder"))
    kinds = [trouble_of(item) for item in (reached, lost, closed, NoConnectionFree("QueuePool limit"), ours)]

    assert [kind and kind.kind for kind in kinds] == ["gone", "dropped", "dropped", "none_free", None]
    assert [trouble_of(item) for item in (ZeroDivisionError(), KeyError("x"), AssertionError())] == [None] * 3


def test_every_outage_has_a_hint_and_shows_no_path() -> None:
    for trouble in underneath.kinds():
        assert isinstance(trouble, Trouble)
        assert trouble.message
        assert trouble.remedy.endswith(".")
        assert Unavailable(trouble).to_json()["detail"] == f"{trouble.message}. {trouble.remedy}"
