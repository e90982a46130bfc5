"""A reader that runs one statement over and over, on a connection of its own, within a time. Only for PostgreSQL.

It talks to the driver directly: the statement is prepared once, and a server that does not answer is left when the time
is over. It returns None if the rows cannot be read: the caller then uses an ordinary transaction, which can wait, retry
and report errors.
"""

from __future__ import annotations

import select
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import Engine

from mocklend.logs import get_logger, in_a_line
from mocklend.storage.engines import POOLED

PAIRS = "SELECT * FROM unnest($1::text[], $2::text[]) WITH ORDINALITY"
"""The rows of two arrays, each row with its number from 1."""
LOG_AGAIN_S = 10.0
"""At least so many seconds are between two log lines about a statement that failed."""
_PREPARED = b"mocklend"
_ROWS, _DONE = 2, 1
"""PostgreSQL's status of a result with rows, and of one without."""

Row = tuple[bytes | None, ...]
"""The values of a row as PostgreSQL writes them, in UTF-8; None for NULL."""

log = get_logger()


class StatementFailed(Exception):
    """The server refused the statement, or did not answer in time."""


class StatementReader:
    """One statement with parameters `$1`, `$2`, … on a connection that is kept. Not thread-safe."""

    def __init__(self, engine: Engine, sql: str, *, within_s: float) -> None:
        """Nothing is opened yet. `within_s` is how long a statement may take."""
        self._engine, self._sql, self._within_s = engine, sql.encode(), within_s
        self._connection: Any = None  # The driver's, which is loaded by name.
        self._prepares = False
        self._log_at = 0.0

    def open(self) -> bool:
        """Open the connection unless it is open. False if that is impossible now. May wait for some seconds."""
        if self._connection is None:
            try:
                self._connect()
            except Exception as failure:
                self._failed(failure)
        return self._connection is not None

    def rows(self, *values: bytes) -> Sequence[Row] | None:
        """The rows for the parameters' values, as PostgreSQL writes them. None if they cannot be read now."""
        if not self.open():
            return None
        pg = self._connection.pgconn
        try:
            if self._prepares:
                pg.send_query_prepared(_PREPARED, values)
            else:
                pg.send_query_params(self._sql, values)
            result = self._result(_ROWS)
            columns = range(result.nfields)
            return [tuple([result.get_value(n, column) for column in columns]) for n in range(result.ntuples)]
        except Exception as failure:
            self._failed(failure)
            return None

    def close(self) -> None:
        """Close the connection. The next query opens another one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                connection.close()

    def _connect(self) -> None:
        pooled = self._engine.raw_connection()
        self._prepares = not pooled.info.get(POOLED, False)  # A pooler gives each statement another session.
        self._connection = pooled.driver_connection
        pooled.detach()
        self._connection.autocommit = True
        self._connection.execute("SET client_encoding TO 'UTF8'")
        if self._prepares:
            self._connection.pgconn.send_prepare(_PREPARED, self._sql)
            self._result(_DONE)

    def _result(self, status: int) -> Any:
        """The result of the statement that was sent. Raises StatementFailed, or the driver's error."""
        pg, until_s = self._connection.pgconn, time.monotonic() + self._within_s
        while pg.flush():
            self._wait(select.POLLIN | select.POLLOUT, until_s)
            pg.consume_input()
        results = []
        while True:
            while pg.is_busy():
                self._wait(select.POLLIN, until_s)
                pg.consume_input()
            result = pg.get_result()
            if result is None:
                break
            results.append(result)
        if [result.status for result in results] != [status]:
            raise StatementFailed(str(pg.get_error_message()))
        return results[0]

    def _wait(self, events: int, until_s: float) -> None:
        poll = select.poll()
        poll.register(self._connection.pgconn.socket, events)
        if not poll.poll(max(0.0, until_s - time.monotonic()) * 1_000):
            raise StatementFailed(f"no answer within {self._within_s:g} s")

    def _failed(self, failure: Exception) -> None:
        """Leave the connection: what is still on it belongs to the statement that failed."""
        self.close()
        if time.monotonic() >= self._log_at:
            self._log_at = time.monotonic() + LOG_AGAIN_S
            log.warning("a statement of the hot path was not executed", why=in_a_line(failure))


def text_array(values: Iterable[str]) -> bytes:
    """Texts as PostgreSQL writes an array of them; there is at least one."""
    escaped = '","'.join(value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return f'{{"{escaped}"}}'.encode()
