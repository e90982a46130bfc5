"""Looking at the database in a test, whose rows it may be: what the platform never does."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TypeVar

import psycopg
from sqlalchemy import Connection, Engine, event

from mocklend.runtime import Platform
from mocklend.storage.ddl import APPEND_ONLY
from mocklend.storage.driver import Parameters
from mocklend.storage.statements import Value, in_driver_style

R = TypeVar("R")


def rows(connection: Connection, make: Callable[..., R], sql: str, /, **parameters: Value) -> list[R]:
    """All rows of a query given as text with `:name` parameters, each as `make(*columns)`."""
    result = connection.exec_driver_sql(in_driver_style(sql, connection.dialect.paramstyle), parameters)
    return [make(*row) for row in result]


@contextmanager
def recorded(platform: Platform) -> Iterator[list[str]]:
    """The statements that a platform runs in the block."""
    statements: list[str] = []
    with _told_of(platform.engine, lambda statement, _parameters: statements.append(statement)):
        yield statements


@contextmanager
def asked(engine: Engine) -> Iterator[list[tuple[str, Parameters]]]:
    """The statements that are run in the block, each with its parameters: to ask for their plans."""
    statements: list[tuple[str, Parameters]] = []
    with _told_of(engine, lambda statement, parameters: statements.append((statement, parameters))):
        yield statements


@contextmanager
def _told_of(engine: Engine, note: Callable[[str, Parameters], None]) -> Iterator[None]:
    def hear(_connection: object, _cursor: object, statement: str, parameters: Parameters, *_: object) -> None:
        note(statement, parameters)

    event.listen(engine, "before_cursor_execute", hear)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", hear)


def change(connection: Connection, sql: str, *values: object) -> int:
    """Run an SQL text with values for its `?`, on either engine; the number of its rows."""
    marks = sql if connection.dialect.name == "sqlite" else sql.replace("?", "%s")
    return connection.exec_driver_sql(marks, values).rowcount


Unguarded = Callable[..., int]
"""Runs an SQL text with values for its `?`, whatever the guards of the tables say; the number of its rows."""


@contextmanager
def without_guards(engine: Engine) -> Iterator[Unguarded]:
    """A bare connection to a platform's database for which the append-only tables have no guards."""
    if engine.dialect.name == "postgresql":
        url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(url, autocommit=True) as server:
            server.execute("SET session_replication_role = replica")
            yield lambda sql, values=(): server.execute(sql.replace("?", "%s"), list(values) or None).rowcount
        return
    with closing(sqlite3.connect(str(engine.url.database), isolation_level=None)) as file:
        for table in APPEND_ONLY:
            for guard in ("update", "delete", "replace"):
                file.execute(f"DROP TRIGGER {table}_no_{guard}")

        def run(sql: str, values: Sequence[object] = ()) -> int:
            return file.execute(sql, tuple(values)).rowcount

        yield run
