"""Checks of a database before it is opened: is it a database, of this version, and writable? For `serve` and `doctor`.

The checks create nothing. Each problem is one sentence and its remedy.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

from sqlalchemy import URL, create_engine, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from mocklend.logs import in_a_line, masked
from mocklend.storage.ground import READ_ONLY, trouble_of
from mocklend.storage.migrations.frozen import statements
from mocklend.storage.parts import (
    PARTS,
    READ_VERSIONS,
    VERSIONS,
    NewerVersion,
    SchemaPart,
    loose_tables,
    versions_by_part,
)  # fmt: skip
from mocklend.storage.schema import metadata

WAIT_S = 5
DRIVERS = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
"""By the scheme of a URL: the driver for it."""


class CannotOpen(Exception):
    """A database cannot be used: `message` says why in a sentence, `remedy` what to do."""

    def __init__(
        self, message: str, remedy: str = "Give another database with --database or MOCKLEND_DATABASE."
    ) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


def database(text: str) -> URL:
    """The URL of a database, from a URL or from the path of an SQLite file. Raises CannotOpen."""
    if "://" not in text:
        return URL.create(DRIVERS["sqlite"], database=str(Path(text).absolute()))
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise CannotOpen(
            f"{masked(text)} is not the URL of a database.",
            "Give a path for SQLite, or postgresql+psycopg://user:password@host:5432/name.",
        ) from None
    driver = DRIVERS.get(url.drivername, url.drivername)
    if driver not in DRIVERS.values():
        raise CannotOpen(
            f"Mocklend cannot use the database {url.drivername}.", "Give sqlite:/// or postgresql+psycopg://."
        )
    return url.set(drivername=driver)


def refuse_sqlite(text: str, what: str, remedy: str) -> None:
    """Raise CannotOpen, with what cannot be done, if a database is SQLite's. `text` is a URL or a path."""
    if database(text).get_backend_name() == "sqlite":
        raise CannotOpen(
            f"{masked(text)} is an SQLite database, which one process serves: {what}.",
            f"{remedy}, or give the URL of a PostgreSQL database.",
        )


def display_name(url: URL) -> str:
    """A database's name for messages: an SQLite file's path, or a URL without its password."""
    if url.get_backend_name() == "sqlite" and url.database:
        return url.database
    return masked(url.render_as_string(hide_password=True))


def look_at(url: URL, *, to_write: bool = False) -> None:
    """Check that a database can be opened; with `to_write`, also that its lock can be taken. Raises CannotOpen."""
    try:
        if url.get_backend_name() == "sqlite":
            _check_file(url, to_write=to_write)
        else:
            _check_server(url)
    except sqlite3.DatabaseError as failure:
        if failure.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
            raise CannotOpen(f"{display_name(url)} is not a database: SQLite cannot read it.") from None
        raise (why_not(url, failure) or _unexplained(url, failure)) from None
    except SQLAlchemyError as failure:
        raise (why_not(url, failure) or _unexplained(url, failure)) from None


def _unexplained(url: URL, failure: Exception) -> CannotOpen:
    return CannotOpen(f"{display_name(url)} cannot be opened: {in_a_line(failure)}.")


def why_not(url: URL, failure: BaseException) -> CannotOpen | None:
    """The reason for a driver's error, or None where it is a bug of Mocklend."""
    trouble = trouble_of(failure)
    if trouble is None:
        return None
    driver = getattr(failure, "orig", None) or failure
    lines = [line.strip() for line in str(driver).splitlines() if line.strip()]
    why = masked(lines[0].removeprefix("connection failed: ")) if lines else type(driver).__name__
    return CannotOpen(f"{display_name(url)}: {trouble.message} ({why}).", trouble.remedy)


def _check_file(url: URL, *, to_write: bool) -> None:
    name = url.database
    if not name or name == ":memory:":
        raise CannotOpen("An SQLite database needs a file: its connections would not see each other's.")
    if name.startswith("file:"):
        return  # SQLite's own kind of URL: SQLite reports its errors.
    path = Path(name)
    try:
        exists = path.exists()
        if path.is_dir():
            raise CannotOpen(f"{name} is a folder, not a database.", "Give a file in it.")
        if not path.parent.is_dir():
            raise CannotOpen(f"{name} cannot be made: its folder is not there.", "Make the folder, or give another.")
        if exists and not path.is_file():
            raise CannotOpen(f"{name} is no file.")
        filled = exists and path.stat().st_size > 0
    except OSError as failure:
        raise CannotOpen(f"{name} cannot be read: {failure.strerror}.") from None
    if exists and not os.access(path, os.R_OK):
        raise CannotOpen(f"{name} may not be read.", "Give its reader the right to, or give another.")
    read_only = [str(place) for place in ([path] if exists else []) + [path.parent] if not os.access(place, os.W_OK)]
    if read_only:
        raise CannotOpen(f"{name}: {READ_ONLY.message} ({read_only[0]} may not be written).", READ_ONLY.remedy)
    if filled:
        # Only SQLite opens it: closing the file in any other way would release this process's locks on it.
        uri = f"{path.absolute().as_uri()}?mode=rw"
        with closing(sqlite3.connect(uri, uri=True, timeout=WAIT_S, isolation_level=None)) as connection:
            require_tables(url, "sqlite", connection.execute)
            if to_write:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")


def _check_server(url: URL) -> None:
    try:
        import_module("psycopg")
    except ImportError as missing:
        raise CannotOpen(
            f"PostgreSQL needs the driver psycopg, which cannot be used here ({in_a_line(missing)}).",
            "Install it: pip install 'mocklend[postgres]'.",
        ) from None
    wait = {} if "connect_timeout" in url.query else {"connect_timeout": WAIT_S}
    engine = create_engine(url, poolclass=NullPool, connect_args=wait, hide_parameters=True)
    try:
        with engine.connect() as connection:
            read_only, schema = connection.exec_driver_sql(
                "SELECT current_setting('transaction_read_only'), current_schema()"
            ).one()
            if read_only == "on":
                raise CannotOpen(f"{display_name(url)}: {READ_ONLY.message}.", READ_ONLY.remedy)
            if schema is None:
                raise CannotOpen(
                    f"{display_name(url)} has no schema for its tables.", "Make one that is in the search_path."
                )
            require_tables(url, "postgresql", connection.exec_driver_sql)
    finally:
        engine.dispose()


_COLUMNS = {
    "sqlite": """
        SELECT tables.name, columns.name FROM sqlite_master AS tables JOIN pragma_table_info(tables.name) AS columns
        WHERE tables.type = 'table'""",
    "postgresql": """
        SELECT relname, attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
          AND relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped""",
}
"""By engine: each table with each of its columns."""

Run = Callable[[str], Iterable[Any]]
"""Runs an SQL text and returns its rows."""


def require_tables(url: URL, dialect: str, run: Run) -> Mapping[str, set[str]]:
    """The columns of each table. Raises CannotOpen unless all can be used or brought to the present revision."""
    columns_by_table: dict[str, set[str]] = {}
    for table, column in run(_COLUMNS[dialect]):
        columns_by_table.setdefault(table, set()).add(column)
    versions = stamps_of(url, [row[0] for row in run(READ_VERSIONS)] if VERSIONS in columns_by_table else [])
    for part in PARTS.values():
        version = versions.get(part.name, None if part.tables.isdisjoint(columns_by_table) else "")
        if version == part.head:
            _require_columns(url, columns_by_table, {name: _declared(name) for name in part.tables})
        elif version == "":
            _require_columns(url, columns_by_table, first_columns(part))
    loose = {name: _declared(name) for name in loose_tables(metadata.tables) if name in columns_by_table}
    _require_columns(url, columns_by_table, loose)
    return columns_by_table


def stamps_of(url: URL, stamps: Iterable[str]) -> Mapping[str, str]:
    """The revision of each installed part that is there. Raises CannotOpen where one is newer than this version."""
    try:
        return versions_by_part(stamps)
    except NewerVersion as newer:
        raise CannotOpen(
            f"{display_name(url)} was made by a newer version of Mocklend: "
            f"expected at most revision {newer.expected}, but it is at {newer.came}.",
            "Open it with that version, or give a new database.",
        ) from None


def first_columns(part: SchemaPart) -> Mapping[str, set[str]]:
    """The columns of each table of a part's first revision: before, databases had no revision."""
    with closing(sqlite3.connect(":memory:")) as connection:
        for sql in statements(part.folder / part.revisions[0], "sqlite"):
            connection.execute(sql)
        columns: dict[str, set[str]] = {}
        for table, column in connection.execute(_COLUMNS["sqlite"]):
            columns.setdefault(table, set()).add(column)
        return columns


def _declared(table: str) -> set[str]:
    return {column.name for column in metadata.tables[table].columns}


def _require_columns(url: URL, columns: Mapping[str, set[str]], expected: Mapping[str, set[str]]) -> None:
    """Raise CannotOpen if a table has other columns, or is missing."""
    missing: list[str] = []
    for name in sorted(expected):
        if name not in columns:
            missing.append(name)
        elif columns[name] != expected[name]:
            differs = [
                *_named("lacks", expected[name] - columns[name]), *_named("has", columns[name] - expected[name])
            ]  # fmt: skip
            raise _of_others(url, f"its table {name} {' and '.join(differs)}")
    if missing:
        raise _of_others(url, f"it {' '.join(_named('lacks', [f'table {name}' for name in missing]))}")


def _of_others(url: URL, how: str) -> CannotOpen:
    return CannotOpen(
        f"{display_name(url)} was made by another version of Mocklend, or by another program: {how}.",
        "Give a new database, or open this one with the version that made it.",
    )


def _named(verb: str, columns: Iterable[str]) -> list[str]:
    names = sorted(columns)
    return [f"{verb} {', '.join(names)}"] if names else []
