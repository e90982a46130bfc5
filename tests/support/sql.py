"""Looking at the database in a test, whose rows it may be: what the platform never does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import Connection, event

from mocklend.runtime import Platform
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

    def record(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(platform.engine, "before_cursor_execute", record)
    try:
        yield statements
    finally:
        event.remove(platform.engine, "before_cursor_execute", record)
