"""Looking at the database in a test, whose rows it may be: what the platform never does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from mocklend.storage.statements import Value, in_driver_style


def rows(connection: Connection, sql: str, parameters: Mapping[str, Value]) -> Sequence[Sequence[Any]]:
    """All rows of a query given as text with `:name` parameters."""
    result = connection.exec_driver_sql(in_driver_style(sql, connection.dialect.paramstyle), dict(parameters))
    return result.fetchall()
