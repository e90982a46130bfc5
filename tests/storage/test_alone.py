"""One server alone opens an SQLite database, or any number of processes that are no server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mocklend.storage.engines import is_alone, open_engine
from mocklend.storage.opening import CannotOpen


@pytest.mark.parametrize(
    ("first", "second", "opens"),
    [(False, False, True), (False, True, False), (True, False, False), (True, True, False)],
)
def test_a_server_shares_its_database_with_nobody(tmp_path: Path, first: bool, second: bool, opens: bool) -> None:
    database = str(tmp_path / "a.db")
    engine = open_engine(database, fast=True, alone=first)

    if opens:
        open_engine(database, fast=True, alone=second).dispose()
    else:
        with pytest.raises(CannotOpen, match="is open in another process") as refused:
            open_engine(database, fast=True, alone=second)
        assert "over HTTP" in refused.value.remedy
    engine.dispose()


def test_the_next_server_opens_it_when_the_first_has_closed_it_or_was_killed(tmp_path: Path) -> None:
    database = str(tmp_path / "a.db")
    open_engine(database, fast=True, alone=True).dispose()
    program = "import sys; from mocklend.storage.engines import open_engine; open_engine(sys.argv[1], alone=True); "
    program += "print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", program, database], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        with pytest.raises(CannotOpen):
            open_engine(database, fast=True, alone=True)
        process.kill()
        process.wait()

    open_engine(database, fast=True, alone=True).dispose()


def test_a_lock_file_that_may_not_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.db-open").mkdir()

    with pytest.raises(CannotOpen, match=r"a\.db-open cannot be locked"):
        open_engine(str(tmp_path / "a.db"), fast=True)


@pytest.mark.parametrize(
    ("database", "alone", "expected"),
    [("{}/a.db", True, True), ("{}/a.db", False, False), ("sqlite:///file:{}/a.db?uri=true", True, False)],
)
def test_only_a_locked_database_is_one_processs_own(tmp_path: Path, database: str, alone: bool, expected: bool) -> None:
    engine = open_engine(database.format(tmp_path), fast=True, alone=alone)

    assert is_alone(engine) is expected
    engine.dispose()
