"""Looking at the database in a test, whose rows it may be: what the platform never does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection

from mocklend.storage.statements import Value, in_driver_style

R = TypeVar("R")


def rows(connection: Connection, make: Callable[..., R], sql: str, /, **parameters: Value) -> list[R]:
    """All rows of a query given as text with `:name` parameters, each as `make(*columns)`."""
    result = connection.exec_driver_sql(in_driver_style(sql, connection.dialect.paramstyle), parameters)
    return [make(*row) for row in result]
