"""A reader for single-statement queries, at a fraction of the cost of a pooled transaction. Only for SQLite files.

It has one connection, for one thread, and does not wait. It returns None if a query cannot be answered at once: the
caller then uses an ordinary transaction, which can wait, retry and report errors.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Engine, event

from mocklend.domain.problems import Refused
from mocklend.storage.engines import ground_of
from mocklend.storage.statements import Value

R = TypeVar("R")

CACHE_KIB = 8_192


class QuickReader:
    """One connection to an engine's database, opened at the first query. Not thread-safe."""

    def __init__(self, engine: Engine) -> None:
        self._file = engine.url.database if engine.dialect.name == "sqlite" else None
        self._ground = ground_of(engine)
        self._connection: sqlite3.Connection | None = None
        event.listen(engine, "engine_disposed", lambda _: self.close())

    def rows(self, make: Callable[..., R], sql: str, parameters: Mapping[str, Value]) -> Sequence[R] | None:
        """All rows of a query with `:name` parameters, each as `make(*columns)`. None if not available at once."""
        if self._file is None or self._ground.trouble is not None:
            return None
        try:
            self._ground.admit(to_write=False)
            if self._connection is None:
                self._connection = _open(self._file)
            return [make(*row) for row in self._connection.execute(sql, parameters)]
        except Refused:
            return None
        except sqlite3.Error:
            self.close()
            return None

    def close(self) -> None:
        """Close the connection. The next query opens another one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _open(file: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{Path(file).absolute().as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=0, check_same_thread=False
    )
    connection.execute("PRAGMA query_only=ON")
    connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
    return connection
