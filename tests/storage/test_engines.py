"""Changes that the database itself refuses, here to a bare `sqlite3` connection without our settings.

An unbalanced transaction cannot be refused, since it cannot be written down: a posting is one row with one amount, a
debit account and a credit account, so each moves money and none makes any.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, Table
from sqlalchemy.pool import QueuePool

from mocklend.client import Doc
from mocklend.runtime import Platform
from mocklend.storage.ddl import APPEND_ONLY
from mocklend.storage.engines import CACHE_KIB, KEPT, open_engine, reading, writing
from mocklend.storage.opening import CannotOpen
from mocklend.storage.schema import metadata
from support.frozen_database import FROZEN, statements
from support.story import Story

of_sqlite = pytest.mark.sqlite_only("test_postgresql.py has what PostgreSQL refuses")

pytestmark = pytest.mark.security


@pytest.fixture
def raw(story: Story, tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A bare connection to the file. Ada has borrowed, repaid a part, and had an edit reversed."""
    loan_id = story.borrow()
    story.repay(loan_id, 9_500)
    story.reverse_edit(story.edit(loan_id, 500))
    connection = sqlite3.connect(tmp_path / "mocklend.db", isolation_level=None)
    yield connection
    connection.close()


def count(raw: sqlite3.Connection, table: str) -> int:
    rows_counted: int = raw.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]
    return rows_counted


def first(raw: sqlite3.Connection, table: str) -> Doc:
    cursor = raw.execute(f"SELECT * FROM {table} LIMIT 1")
    return dict(zip([column[0] for column in cursor.description], cursor.fetchone(), strict=True))


def insert(raw: sqlite3.Connection, table: str, row: dict[str, object], how: str = "INSERT") -> None:
    places = ", ".join("?" * len(row))
    raw.execute(f"{how} INTO {table} ({', '.join(row)}) VALUES ({places})", list(row.values()))


@pytest.mark.parametrize("table", APPEND_ONLY)
@of_sqlite
def test_posted_rows_cannot_be_updated(raw: sqlite3.Connection, table: str) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        raw.execute(f"UPDATE {table} SET sandbox_id = sandbox_id")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        raw.execute(f"UPDATE OR REPLACE {table} SET sandbox_id = 'elsewhere'")


@pytest.mark.parametrize("table", APPEND_ONLY)
@of_sqlite
def test_posted_rows_cannot_be_deleted_while_their_sandbox_exists(raw: sqlite3.Connection, table: str) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        raw.execute(f"DELETE FROM {table}")


@pytest.mark.parametrize("table", APPEND_ONLY)
@of_sqlite
def test_posted_rows_cannot_be_replaced(raw: sqlite3.Connection, table: str) -> None:
    row, before = first(raw, table), count(raw, table)

    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        insert(raw, table, row, "INSERT OR REPLACE")

    assert count(raw, table) == before


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("transactions", {"seq": 99}),  # the same transaction reversed
        ("book_facts", {"loan_id": "loan_x"}),  # the same fact on another loan
    ],
)
@of_sqlite
def test_posted_rows_cannot_be_replaced_through_their_other_keys(
    raw: sqlite3.Connection, table: str, change: dict[str, object]
) -> None:
    where = "WHERE reverses IS NOT NULL" if table == "transactions" else ""
    cursor = raw.execute(f"SELECT * FROM {table} {where} LIMIT 1")
    row = dict(zip([column[0] for column in cursor.description], cursor.fetchone(), strict=True))
    before = count(raw, table)

    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        insert(raw, table, row | change, "INSERT OR REPLACE")

    assert count(raw, table) == before


@pytest.mark.parametrize("amount", [0, -1])
@of_sqlite
def test_a_posting_moves_more_than_nothing(raw: sqlite3.Connection, amount: int) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="amount_positive"):
        insert(raw, "postings", first(raw, "postings") | {"line": 9, "amount_minor": amount})


@of_sqlite
def test_a_posting_moves_between_two_accounts(raw: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="two_accounts"):
        insert(raw, "postings", first(raw, "postings") | {"line": 9, "debit": "1101", "credit": "1101"})


@of_sqlite
def test_a_transaction_is_reversed_once(raw: sqlite3.Connection) -> None:
    cursor = raw.execute("SELECT * FROM transactions WHERE reverses IS NOT NULL")
    row = dict(zip([column[0] for column in cursor.description], cursor.fetchone(), strict=True))

    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        insert(raw, "transactions", row | {"seq": 99})


@of_sqlite
def test_the_id_of_a_transaction_names_its_chain_and_number(raw: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="id_names_key"):
        insert(raw, "transactions", first(raw, "transactions") | {"seq": 99, "reverses": None})


@pytest.mark.parametrize("table", ["book_facts", "world_facts"])
@of_sqlite
def test_a_fact_is_recorded_once(raw: sqlite3.Connection, table: str) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        insert(raw, table, first(raw, table))


@of_sqlite
def test_a_fact_belongs_to_one_loan(raw: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        insert(raw, "book_facts", first(raw, "book_facts") | {"loan_id": "loan_x"})


@of_sqlite
def test_the_triggers_exist_after_a_restart(open_platform: Callable[..., Platform], tmp_path: Path) -> None:
    open_platform().close()
    open_platform()

    connection = sqlite3.connect(tmp_path / "mocklend.db")
    triggers = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
    connection.close()

    for table in APPEND_ONLY:
        assert {f"{table}_no_update", f"{table}_no_replace", f"{table}_no_delete"} <= set(triggers)


def test_a_power_cut_loses_no_acknowledged_commit_unless_asked_for_speed(tmp_path: Path) -> None:
    for name, fast, level in (("safe", False, 2), ("fast", True, 1)):
        engine = open_engine(f"sqlite:///{tmp_path / name}.db", fast=fast)
        with engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == level
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        engine.dispose()


def test_a_read_sees_one_moment_while_others_write(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'a.db'}", fast=True)
    sql = "INSERT INTO idempotency (sandbox_id, key, fingerprint, status, body, created_ms) VALUES ('s', '{}', '', 1, '', 1)"

    with reading(engine) as reader:
        before = reader.exec_driver_sql("SELECT COUNT(*) FROM idempotency").scalar()
        with writing(engine) as writer:
            writer.exec_driver_sql(sql.format("a"))
        during = reader.exec_driver_sql("SELECT COUNT(*) FROM idempotency").scalar()
    with reading(engine) as reader:
        after = reader.exec_driver_sql("SELECT COUNT(*) FROM idempotency").scalar()

    assert (before, during, after) == (0, 0, 1)
    engine.dispose()


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'a.db'}", fast=True)
    sql = "INSERT INTO idempotency (sandbox_id, key, fingerprint, status, body, created_ms) VALUES ('s', 'k', '', 1, '', 1)"

    with pytest.raises(ZeroDivisionError), writing(engine) as writer:
        writer.exec_driver_sql(sql)
        raise ZeroDivisionError

    with reading(engine) as reader:
        assert reader.exec_driver_sql("SELECT COUNT(*) FROM idempotency").scalar() == 0
    engine.dispose()


def test_sandbox_id_is_the_first_column_of_every_key_and_index() -> None:
    for table in metadata.sorted_tables:
        if table.name not in ("sandboxes", "emptying", "real_time", "processes", "classes", "class_groups"):
            keys = [table.primary_key.columns, *(index.columns for index in table.indexes)]
            assert all(next(iter(key)).name == "sandbox_id" for key in keys), table.name


FIRST_RELEASE = min(path.name.removesuffix(".rows.sql") for path in FROZEN.glob("*.rows.sql"))


@pytest.mark.parametrize("kind", ["index", "trigger"])
def test_missing_indexes_and_guards_are_made_where_a_database_has_no_revision(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as connection:
        for sql in statements(FIRST_RELEASE, "sqlite"):
            connection.execute(sql)
        found = "SELECT name FROM sqlite_master WHERE type = ? AND sql IS NOT NULL"
        dropped = {row[0] for row in connection.execute(found, (kind,))}
        for name in dropped:
            connection.execute(f"DROP {kind} {name}")
        connection.execute("DROP TABLE alembic_version")

    assert dropped
    assert _named(path, kind) == _named(tmp_path / "new.db", kind)


def test_a_table_that_is_declared_after_another_database_was_opened_is_made_too(tmp_path: Path) -> None:
    open_engine(str(tmp_path / "before.db"), fast=True).dispose()
    late = Table("late", metadata, Column("id", Integer, primary_key=True))
    try:
        tables = _named(tmp_path / "after.db", "table")
    finally:
        metadata.remove(late)

    assert "late" in tables


def _named(path: Path, kind: str) -> set[str]:
    """What there is of a kind once the database was opened, but for what SQLite makes by itself."""
    open_engine(str(path), fast=True).dispose()
    sql = "SELECT name FROM sqlite_master WHERE type = ? AND sql IS NOT NULL"
    with closing(sqlite3.connect(path)) as connection:
        return {row[0] for row in connection.execute(sql, (kind,))}


def modes(folder: Path) -> dict[str, str]:
    return {path.name: f"{stat.S_IMODE(path.stat().st_mode):04o}" for path in sorted(folder.iterdir())}


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777], ids="{:04o}".format)
def test_a_database_and_its_log_are_made_for_their_owner_alone_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    was = os.umask(umask)
    try:
        engine = open_engine(str(tmp_path / "a.db"), fast=True)
        with writing(engine) as writer:
            writer.exec_driver_sql("CREATE TABLE more (a)")
            file_modes = modes(tmp_path)
    finally:
        os.umask(was)
    engine.dispose()

    assert file_modes == {"a.db": "0600", "a.db-open": "0600", "a.db-shm": "0600", "a.db-wal": "0600"}


@pytest.mark.parametrize(
    "form", ["file:{}/a%20b.db?uri=true", "file:{}/a%20b.db?mode=rwc&uri=true", "{}/a b.db?timeout=3"]
)
def test_a_database_named_by_a_url_is_made_for_its_owner_alone(tmp_path: Path, form: str) -> None:
    open_engine("sqlite:///" + form.format(tmp_path), fast=True).dispose()

    assert modes(tmp_path) == {"a b.db": "0600"} | ({} if form.startswith("file:") else {"a b.db-open": "0600"})


@pytest.mark.parametrize("mode", ["rw", "ro"])
def test_a_url_with_mode_rw_or_ro_makes_no_database(tmp_path: Path, mode: str) -> None:
    with pytest.raises(CannotOpen):
        open_engine(f"sqlite:///file:{tmp_path}/a.db?mode={mode}&uri=true", fast=True)

    assert modes(tmp_path) == {}


def test_a_database_behind_a_link_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "a.db")

    open_engine(str(tmp_path / "link.db"), fast=True).dispose()

    assert modes(tmp_path)["a.db"] == "0600"


def test_the_mode_of_an_existing_database_is_not_changed(tmp_path: Path) -> None:
    (tmp_path / "a.db").touch()
    (tmp_path / "a.db").chmod(0o640)

    engine = open_engine(str(tmp_path / "a.db"), fast=True)

    assert set(modes(tmp_path).values()) == {"0640"}
    engine.dispose()


@of_sqlite
def test_a_burst_leaves_few_connections_open(platform: Platform) -> None:
    with ExitStack() as burst:
        for _ in range(KEPT + 10):
            burst.enter_context(reading(platform.engine))

    assert isinstance(platform.engine.pool, QueuePool)
    assert platform.engine.pool.checkedin() == KEPT
    with platform.read() as connection:
        assert connection.exec_driver_sql("PRAGMA cache_size").scalar_one() == -CACHE_KIB
