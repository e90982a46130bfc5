"""Bad databases: refused in one sentence before anything is made, in the same words by `serve` and by `doctor`."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mocklend.doctor import writable
from mocklend.runtime import Platform
from mocklend.storage import opening
from mocklend.storage.opening import CannotOpen, database, display_name


def letter(folder: Path) -> str:
    path = folder / "letter.db"
    path.write_text("Dear Ada, " * 1000)
    return str(path)


def of_others(folder: Path) -> str:
    path = folder / "others.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE loans (number INTEGER, name TEXT)")
    connection.close()
    return str(path)


def changed(folder: Path, sql: str) -> str:
    path = folder / "older.db"
    Platform(str(path), fast=True).close()
    connection = sqlite3.connect(path)
    connection.execute(sql)
    connection.close()
    return str(path)


def cut_off(folder: Path) -> str:
    path = folder / "cut.db"
    Platform(str(path), fast=True).close()
    path.write_bytes(path.read_bytes()[:5000])
    return str(path)


BAD: dict[str, tuple[Callable[[Path], str], str]] = {
    "a letter": (letter, "is not a database"),
    "a folder": (str, "is a folder"),
    "a device": (lambda folder: "/dev/null", "is no file"),
    "no folder": (lambda folder: str(folder / "no" / "x.db"), "its folder is not there"),
    "a file as folder": (lambda folder: str(Path(letter(folder)) / "x.db"), "its folder is not there"),
    "somebody else's": (of_others, "its table loans lacks"),
    "an older version": (lambda folder: changed(folder, "ALTER TABLE loans DROP COLUMN status"), "loans lacks status"),
    "a newer version": (lambda folder: changed(folder, "ALTER TABLE loans ADD COLUMN mood TEXT"), "loans has mood"),
    "half a file": (cut_off, "is damaged"),
    "in memory": (lambda folder: "sqlite:///:memory:", "needs a file"),
    "an unknown engine": (lambda folder: "mysql://ada:pa55@db/x", "cannot use the database mysql"),
    "an unknown driver": (
        lambda folder: "postgresql+asyncpg://ada:pa55@db/x",
        "cannot use the database postgresql+asyncpg",
    ),
    "no URL": (lambda folder: "postgresql://ada:pa55@db:port/x", "is not the URL of a database"),
    "a port without a server": (lambda folder: "postgresql://ada:pa55@127.0.0.1:1/x", "the database does not answer"),
    "a socket without a server": (lambda folder: f"postgres://ada@/x?host={folder}&password=pa55", "does not answer"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_database_is_refused_in_one_sentence_and_left_unchanged(case: str, tmp_path: Path) -> None:
    make, message = BAD[case]
    location = make(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    with pytest.raises(CannotOpen, match=re.escape(message)) as caught:
        Platform(location)
    ok, words = writable(location)

    assert (ok, words) == (False, f"{caught.value.message} {caught.value.remedy}")
    assert "\n" not in words
    assert "pa55" not in words
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_database_locked_by_another_process_is_reported_as_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "WAIT_S", 0.01)
    monkeypatch.setattr("mocklend.storage.engines.LOCK_WAIT_MS", 10)
    path = str(tmp_path / "x.db")
    Platform(path, fast=True).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(CannotOpen, match="another process holds the database's lock"):
        Platform(path)
    assert "another process holds the database's lock" in writable(path)[1]

    other.close()
    assert writable(path) == (True, f"{path} takes writes (sqlite)")


@pytest.mark.parametrize("closed", ["x.db", "."])
def test_a_read_only_database_is_reported_as_read_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, closed: str
) -> None:
    path = tmp_path / "x.db"
    Platform(str(path), fast=True).close()
    shut = (tmp_path / closed).resolve()
    monkeypatch.setattr(os, "access", lambda at, mode: mode != os.W_OK or Path(at) != shut)

    with pytest.raises(CannotOpen, match=r"refuses writes .*may not be written"):
        Platform(str(path))


def test_checking_a_database_releases_none_of_its_locks(tmp_path: Path) -> None:
    """Closing a file releases all locks of the process on it, unless SQLite closes it: so only SQLite may open it."""
    path = str(tmp_path / "x.db")
    platform = Platform(path, fast=True)
    script = f"""
import sqlite3
other = sqlite3.connect({path!r}, timeout=0, isolation_level=None)
other.execute("PRAGMA locking_mode=EXCLUSIVE")
other.execute("BEGIN EXCLUSIVE")
"""

    assert writable(path)[0]
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert "locked" in done.stderr
    platform.close()
    assert subprocess.run([sys.executable, "-c", script], capture_output=True).returncode == 0


def test_a_missing_driver_is_reported_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(CannotOpen, match="psycopg") as caught:
        Platform("postgresql://ada@127.0.0.1/x")

    assert "pip install 'mocklend[postgres]'" in caught.value.remedy


def test_a_path_may_have_any_valid_character(tmp_path: Path) -> None:
    path = str(tmp_path / "what? 100 % #1 & co.db")

    Platform(path, fast=True).close()

    assert Path(path).exists()
    assert display_name(database(path)) == path
    assert writable(path)[0]


def test_the_usual_ways_to_write_postgresql_are_understood() -> None:
    for url in ("postgres://a@b/c", "postgresql://a@b/c", "postgresql+psycopg://a@b/c"):
        assert database(url).drivername == "postgresql+psycopg"
    assert display_name(database("postgresql://a:pa55@b/c")) == "postgresql+psycopg://a:***@b/c"
