"""`mocklend doctor` says whether `serve` would start, and with which settings."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

import pytest

from mocklend.client import Client
from support.redis_server import Fake, Real
from support.terminal import Run

if not entry_points(group="pytest11", name="mocklend"):
    pytest_plugins = ["mocklend.testing"]


def test_the_doctor_says_how_to_start_a_server_if_none_answers(run: Run) -> None:
    ran = run("--url", "http://127.0.0.1:9", "audit")

    assert ran.code == 2
    assert "Nothing answers at http://127.0.0.1:9." in ran.err
    assert "mocklend serve" in ran.err


def test_the_doctor_sees_whether_serve_would_start(run: Run, tmp_path: Path, mocklend: Client) -> None:
    well = run("doctor", "--database", str(tmp_path / "new.db"), "--port", "0", "--json")
    result = run("doctor", "--port", mocklend.base_url.rpartition(":")[2], "--database", str(tmp_path / "no" / "x.db"))

    assert (well.code, well.document["healthy"]) == (0, True)
    assert list(tmp_path.iterdir()) == []
    assert [check["name"] for check in well.document["checks"]] == [
        "python", "versions", "settings", "database", "port", "fault layer", "faults",
    ]  # fmt: skip
    assert result.code == 1
    assert result.out.count("FAIL") == 2


def test_the_doctor_sees_whether_redis_answers(
    run: Run, postgresql: str, redis_server: Fake | Real, tmp_path: Path
) -> None:
    def told(database: str, url: str) -> tuple[int, str]:
        ran = run("doctor", "--port", "0", "--database", database, "--redis", url, "--json")
        (check,) = [check for check in ran.document["checks"] if check["name"] == "redis"]
        assert check["ok"] is (ran.code == 0)
        return ran.code, check["detail"]

    code, detail = told(postgresql, redis_server.url)
    assert (code, detail.endswith(" answers")) == (0, True)
    assert told(postgresql, "redis://:secret@127.0.0.1:1") == (
        1, "127.0.0.1:1 does not answer within 2 s: status pages would come from the database",
    )  # fmt: skip
    assert "cannot be used" in told(postgresql, "http://127.0.0.1:1")[1]
    assert "SQLite" in told(str(tmp_path / "new.db"), redis_server.url)[1]


def test_the_doctor_distinguishes_a_database_from_other_files(run: Run, tmp_path: Path) -> None:
    letter = tmp_path / "letter.db"
    letter.write_text("Dear Ada, " * 1000)

    ran = run("doctor", "--database", str(letter), "--port", "0")

    assert ran.code == 1
    assert "not a database" in ran.out


def test_the_doctor_checks_the_settings_that_serve_would_use(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter = tmp_path / "letter.db"
    letter.write_text("Dear Ada, " * 1000)
    monkeypatch.setenv("MOCKLEND_DATABASE", str(letter))
    monkeypatch.setenv("MOCKLEND_HOST", "127.0.0.2")
    monkeypatch.setenv("MOCKLEND_PORT", "0")
    monkeypatch.setenv("MOCKLEND_CONTROL_TOKEN", "short")

    ran = run("doctor", "--json")

    checks = {check["name"]: check for check in ran.document["checks"]}
    assert ran.code == 1
    assert str(letter) in checks["database"]["detail"]
    assert checks["port"]["detail"] == "0 on 127.0.0.2 is free"
    assert not checks["settings"]["ok"]
    assert "control_token" in checks["settings"]["detail"]
    assert "short" not in checks["settings"]["detail"].replace("shorter", "")


def test_serve_and_doctor_report_a_bad_database_in_the_same_words(run: Run, tmp_path: Path) -> None:
    result = run("doctor", "--database", str(tmp_path), "--port", "0", "--json")
    served = run("serve", "--database", str(tmp_path), "--port", "0", "--json")

    detail = {check["name"]: check["detail"] for check in result.document["checks"]}["database"]
    assert served.code == 2
    assert f"{served.document['title']} {served.document['hint']}" == detail
