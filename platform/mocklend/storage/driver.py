"""Runs statements on the driver's own cursor, at a sixth of the cost of SQLAlchemy's.

        fetch, execute, execute_many ──▶ the driver's cursor        of SQLAlchemy remain: the pool, the transaction,
                                                                    `before_cursor_execute`, and its classes of errors

Texts are in the driver's style of parameters: see `statements.in_driver_style` and `by_place`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NoReturn, cast

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

Columns = Sequence[Any]
"""A row's columns in order, as the driver returns them."""
Parameters = Mapping[str, str | int | None] | Sequence[str | int | None]
"""The values of a statement's parameters, by name or by place."""
NO_PARAMETERS: Parameters = ()
Listener = Callable[..., tuple[str, Any]]


def fetch(connection: Connection, sql: str, parameters: Parameters = NO_PARAMETERS) -> Sequence[Columns]:
    """All rows of a query. Raises SQLAlchemy's DBAPIError, as do all of these."""
    cursor, sql, parameters = _heard(connection, sql, parameters, many=False)
    try:
        cursor.execute(sql, parameters)
        rows: Sequence[Columns] = cursor.fetchall()
    except BaseException as failure:
        _failed(connection, cursor, sql, parameters, failure)
    return rows


def stream(connection: Connection, sql: str, parameters: Parameters = NO_PARAMETERS) -> Iterator[Columns]:
    """The rows of a query one by one: rows that nothing keeps are no work for the collector of garbage."""
    cursor, sql, parameters = _heard(connection, sql, parameters, many=False)
    try:
        cursor.execute(sql, parameters)
        yield from cursor
    except BaseException as failure:
        _failed(connection, cursor, sql, parameters, failure)


def execute(connection: Connection, sql: str, parameters: Parameters = NO_PARAMETERS) -> int:
    """Run a statement that returns no rows. Returns how many it changed."""
    cursor, sql, parameters = _heard(connection, sql, parameters, many=False)
    try:
        cursor.execute(sql, parameters)
    except BaseException as failure:
        _failed(connection, cursor, sql, parameters, failure)
    return int(cursor.rowcount)


def execute_many(connection: Connection, sql: str, rows: Sequence[Parameters]) -> None:
    """Run a statement once for each of some rows."""
    cursor, sql, rows = _heard(connection, sql, rows, many=True)
    try:
        cursor.executemany(sql, rows)
    except BaseException as failure:
        _failed(connection, cursor, sql, rows, failure)


def _heard(connection: Connection, sql: str, parameters: Any, *, many: bool) -> tuple[Any, str, Any]:
    """A new cursor, and the statement once all listeners of `before_cursor_execute` have heard of it."""
    pooled = connection.connection  # Raises PendingRollbackError once the database has ended the transaction.
    if not connection.in_transaction():
        connection.begin()  # As SQLAlchemy does before the first statement: else a commit would do nothing.
    cursor = pooled.cursor()
    listeners = cast(Sequence[Listener], connection.dispatch.before_cursor_execute)
    if listeners:
        for listener in listeners:
            sql, parameters = listener(connection, cursor, sql, parameters, None, many)
    return cursor, sql, parameters


def _failed(connection: Connection, cursor: Any, sql: str, parameters: Any, failure: BaseException) -> NoReturn:
    """Raise a failure as SQLAlchemy does: a driver's error by SQLAlchemy's class of the same name.

    A connection that the failure has cut, or left in the middle of a statement, is not used again.
    """
    dialect = connection.dialect
    errors: type[Exception] = dialect.loaded_dbapi.Error
    if not isinstance(failure, errors):
        if not isinstance(failure, Exception):
            connection.invalidate(failure)
        raise failure
    is_cut = dialect.is_disconnect(failure, connection.connection.dbapi_connection, cursor)  # type: ignore[arg-type]
    raised = DBAPIError.instance(
        sql, parameters, failure, errors, hide_parameters=True, connection_invalidated=is_cut, dialect=dialect
    )
    if is_cut:
        connection.invalidate(failure)
    else:
        cursor.close()
    raise raised from failure
