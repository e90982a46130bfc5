"""A database before it is opened: is it one, is it ours, may it be written? `serve` and `doctor` say it in these words.

Nothing is made and nothing is left behind. Whatever is wrong is one sentence and what to do about it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from importlib import import_module
from pathlib import Path

from sqlalchemy import URL, Connection, create_engine, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from mocklend.logs import in_a_line, masked
from mocklend.storage.ground import READ_ONLY, trouble_of
from mocklend.storage.schema import metadata

WAIT_S = 5
DRIVERS = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
"""What a URL may begin with, and the driver that is used for it."""


class CannotOpen(Exception):
    """A database cannot be used, and why: a sentence and what to do about it."""

    def __init__(self, said: str, remedy: str = "Give another database with --database or MOCKLEND_DATABASE.") -> None:
        super().__init__(said)
        self.said = said
        self.remedy = remedy


def database(given: str) -> URL:
    """The URL of a database, from a URL or from the path of an SQLite file. Raises CannotOpen."""
    if "://" not in given:
        return URL.create(DRIVERS["sqlite"], database=str(Path(given).absolute()))
    try:
        url = make_url(given)
    except (ArgumentError, ValueError):
        raise CannotOpen(
            f"{masked(given)} is not the URL of a database.",
            "Give a path for SQLite, or postgresql+psycopg://user:password@host:5432/name.",
        ) from None
    driver = DRIVERS.get(url.drivername, url.drivername)
    if driver not in DRIVERS.values():
        raise CannotOpen(
            f"{url.drivername} is no database that Mocklend can use.", "Give sqlite:/// or postgresql+psycopg://."
        )
    return url.set(drivername=driver)


def shown(url: URL) -> str:
    """A database as it may be shown: an SQLite file by its path, anything else without its password."""
    if url.get_backend_name() == "sqlite" and url.database:
        return url.database
    return masked(url.render_as_string(hide_password=True))


def look_at(url: URL, *, to_write: bool = False) -> None:
    """Look whether a database can be opened; with `to_write`, whether its lock can be had too. Raises CannotOpen."""
    try:
        if url.get_backend_name() == "sqlite":
            _look_at_file(url, to_write=to_write)
        else:
            _look_at_server(url)
    except sqlite3.DatabaseError as failure:
        if failure.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
            raise CannotOpen(f"{shown(url)} is not a database: SQLite cannot read it.") from None
        raise (why_not(url, failure) or _unexplained(url, failure)) from None
    except SQLAlchemyError as failure:
        raise (why_not(url, failure) or _unexplained(url, failure)) from None


def _unexplained(url: URL, failure: Exception) -> CannotOpen:
    return CannotOpen(f"{shown(url)} cannot be opened: {in_a_line(failure)}.")


def why_not(url: URL, failure: BaseException) -> CannotOpen | None:
    """The reason behind a driver's error, or None where it is a bug of ours."""
    trouble = trouble_of(failure)
    if trouble is None:
        return None
    driver = getattr(failure, "orig", None) or failure
    lines = [line.strip() for line in str(driver).splitlines() if line.strip()]
    why = masked(lines[0].removeprefix("connection failed: ")) if lines else type(driver).__name__
    return CannotOpen(f"{shown(url)}: {trouble.said} ({why}).", trouble.remedy)


def _look_at_file(url: URL, *, to_write: bool) -> None:
    name = url.database
    if not name or name == ":memory:":
        raise CannotOpen("An SQLite database needs a file: its connections would not see each other's.")
    if name.startswith("file:"):
        return  # SQLite's own kind of URL: it says itself what is wrong.
    path = Path(name)
    try:
        there = path.exists()
        if path.is_dir():
            raise CannotOpen(f"{name} is a folder, not a database.", "Give a file in it.")
        if not path.parent.is_dir():
            raise CannotOpen(f"{name} cannot be made: its folder is not there.", "Make the folder, or give another.")
        if there and not path.is_file():
            raise CannotOpen(f"{name} is no file.")
        filled = there and path.stat().st_size > 0
    except OSError as failure:
        raise CannotOpen(f"{name} cannot be read: {failure.strerror}.") from None
    if there and not os.access(path, os.R_OK):
        raise CannotOpen(f"{name} may not be read.", "Give its reader the right to, or give another.")
    closed = [str(one) for one in ([path] if there else []) + [path.parent] if not os.access(one, os.W_OK)]
    if closed:
        raise CannotOpen(f"{name}: {READ_ONLY.said} ({closed[0]} may not be written).", READ_ONLY.remedy)
    if filled:
        # Only SQLite opens it: to close a file by any other way would let go of this process's locks on it.
        uri = f"{path.absolute().as_uri()}?mode=rw"
        with closing(sqlite3.connect(uri, uri=True, timeout=WAIT_S, isolation_level=None)) as connection:
            of_tables = {
                table: {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
                for table in metadata.tables
            }
            _demand_ours(url, of_tables)
            if to_write:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")


def _look_at_server(url: URL) -> None:
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
                raise CannotOpen(f"{shown(url)}: {READ_ONLY.said}.", READ_ONLY.remedy)
            if schema is None:
                raise CannotOpen(f"{shown(url)} has no schema for its tables.", "Make one that is in the search_path.")
            _demand_ours(url, _columns(connection))
    finally:
        engine.dispose()


def _columns(connection: Connection) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for table, column in connection.exec_driver_sql(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()"
    ):
        found.setdefault(table, set()).add(column)
    return found


def _demand_ours(url: URL, there: Mapping[str, set[str]]) -> None:
    """Those of our tables that are there have our columns: a missing one is made, another is of another version."""
    for name, table in metadata.tables.items():
        columns, wanted = there.get(name), {column.name for column in table.columns}
        if columns and columns != wanted:
            differs = [*_named("lacks", wanted - columns), *_named("has", columns - wanted)]
            raise CannotOpen(
                f"{shown(url)} was made by another version of Mocklend, or by somebody else: "
                f"its table {name} {' and '.join(differs)}.",
                "Give a new database, or open this one with the version that made it.",
            )


def _named(verb: str, columns: Iterable[str]) -> list[str]:
    names = sorted(columns)
    return [f"{verb} {', '.join(names)}"] if names else []
