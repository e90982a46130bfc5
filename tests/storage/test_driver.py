"""Statements on the driver's own cursor behave as they do through SQLAlchemy: transactions, listeners, errors."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, PendingRollbackError

from mocklend.runtime import Platform
from mocklend.storage.driver import execute, execute_many, fetch
from mocklend.storage.ground import trouble_of
from mocklend.storage.statements import by_place

INSERT = "INSERT INTO real_time (id, ms) VALUES (:id, :ms)"


@pytest.fixture
def connection(platform: Platform) -> Iterator[Connection]:
    with platform.engine.connect() as connection:
        execute(connection, "DELETE FROM real_time WHERE id > 100")
        yield connection
        connection.rollback()


def rows(connection: Connection) -> list[tuple[int, int]]:
    return [tuple(row) for row in fetch(connection, "SELECT id, ms FROM real_time WHERE id > 100 ORDER BY id")]


def insert(connection: Connection, *some: tuple[int, int]) -> None:
    execute_many(connection, by_place(INSERT, connection.dialect.paramstyle), some)


def test_a_statement_begins_a_transaction_that_a_commit_ends(platform: Platform) -> None:
    with platform.engine.connect() as connection:
        insert(connection, (101, 1), (102, 2))
        assert connection.in_transaction()
        connection.commit()
        assert not connection.in_transaction()
    with platform.engine.connect() as another:
        assert rows(another) == [(101, 1), (102, 2)]


def test_listeners_hear_of_each_statement_once(connection: Connection) -> None:
    heard: list[tuple[str, bool]] = []
    event.listen(connection, "before_cursor_execute", lambda _c, _cur, sql, _p, _ctx, many: heard.append((sql, many)))
    fetch(connection, "SELECT 1")
    execute(connection, "DELETE FROM real_time WHERE id > 100")
    insert(connection, (101, 1), (102, 2))
    assert heard == [
        ("SELECT 1", False),
        ("DELETE FROM real_time WHERE id > 100", False),
        (by_place(INSERT, connection.dialect.paramstyle), True),
    ]


def test_a_listener_may_change_a_statement(connection: Connection) -> None:
    @event.listens_for(connection, "before_cursor_execute", retval=True)
    def change(_c: object, _cur: object, _sql: str, parameters: object, *_: object) -> tuple[str, object]:
        return "SELECT 7", parameters

    assert [tuple(row) for row in fetch(connection, "SELECT 1")] == [(7,)]


def test_a_drivers_error_is_raised_by_the_class_of_the_same_name(connection: Connection) -> None:
    insert(connection, (101, 1))
    with pytest.raises(IntegrityError) as failed:
        insert(connection, (102, 2), (101, 3))
    assert INSERT[:20] in str(failed.value)
    assert isinstance(failed.value.orig, connection.dialect.loaded_dbapi.IntegrityError)
    assert "3" not in str(failed.value).partition("[SQL")[2].replace("INSERT", ""), "values are not logged"


def test_an_error_while_rows_are_read_is_wrapped_too(connection: Connection) -> None:
    sql = "SELECT 1 / (3 - n) FROM (SELECT 1 AS n UNION ALL SELECT 2 UNION ALL SELECT 3) AS some"
    if connection.dialect.name == "sqlite":
        sql = "SELECT abs(n) FROM (SELECT 1 AS n UNION ALL SELECT -9223372036854775808) AS some"
    with pytest.raises(DBAPIError):
        fetch(connection, sql)


def test_what_is_no_error_of_the_driver_is_raised_as_it_is(connection: Connection) -> None:
    with pytest.raises((OverflowError, DBAPIError)):
        insert(connection, (101, 2**80))
    if connection.dialect.name == "sqlite":
        assert rows(connection) == []


def test_a_connection_that_was_cut_is_not_used_again(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection.dialect, "is_disconnect", lambda *_: True)
    with pytest.raises(DBAPIError) as failed:
        fetch(connection, "SELECT nothing FROM nowhere")
    assert failed.value.connection_invalidated
    assert connection.invalidated
    with pytest.raises(PendingRollbackError):
        fetch(connection, "SELECT 1")


def test_an_interrupted_statement_leaves_its_connection_unused(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        pytest.skip("SQLite only: psycopg refuses such parameters before it reads them")

    @event.listens_for(connection, "before_cursor_execute", retval=True)
    def interrupt(_c: object, _cur: object, sql: str, _p: object, *_: object) -> tuple[str, object]:
        return sql, Interrupting()

    with pytest.raises(KeyboardInterrupt):
        fetch(connection, "SELECT 1")
    assert connection.invalidated


class Interrupting:
    """Parameters during whose reading the user presses Ctrl-C."""

    def __len__(self) -> int:
        raise KeyboardInterrupt

    def __getitem__(self, name: object) -> object:
        raise KeyboardInterrupt


def test_the_trouble_is_known_from_the_error(platform: Platform) -> None:
    if platform.engine.dialect.name != "sqlite":
        pytest.skip("SQLite only: a lock of the whole file")
    with platform.engine.connect() as connection, sqlite3.connect(str(platform.engine.url.database)) as other:
        execute(connection, "PRAGMA busy_timeout=0")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OperationalError) as failed:
            execute(connection, "BEGIN IMMEDIATE")
        execute(connection, "PRAGMA busy_timeout=5000")
    trouble = trouble_of(failed.value)
    assert trouble is not None
    assert trouble.kind == "locked"
