"""`mocklend serve`: what it prints, what it refuses, how it stops."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
import requests

from mocklend.cli.serving import _announce
from mocklend.client import Client, Doc, ProblemError
from mocklend.config import Settings
from support.redis_server import Real
from support.terminal import Run

if not entry_points(group="pytest11", name="mocklend"):
    pytest_plugins = ["mocklend.testing"]

needs_faults = pytest.mark.skipif(
    not entry_points(group="mocklend.layer"), reason="the fault layer is found by entry point: install mocklend first"
)


@needs_faults
def test_serve_prints_its_address_and_the_next_commands(capsys: pytest.CaptureFixture[str]) -> None:
    _announce(Settings(port=8400, database="mocklend.db"), "mk_default")

    printed = capsys.readouterr().out
    assert "  address        http://127.0.0.1:8400\n" in printed
    assert "(not needed on loopback)" in printed
    assert "  export MOCKLEND_URL=http://127.0.0.1:8400\n" in printed
    assert "faults on cache.bounded_stale --lag-s 60\n" in printed


def test_a_server_for_others_shows_all_tokens_and_no_password(capsys: pytest.CaptureFixture[str]) -> None:
    _announce(Settings(host="0.0.0.0", database="postgresql+psycopg://ada:secret@db/mocklend"), "mk_default")

    printed = capsys.readouterr().out
    assert "X-Mocklend-Operator" in printed
    assert "X-Mocklend-Channel" in printed
    assert "export MOCKLEND_CONTROL_TOKEN=" in printed
    assert "secret" not in printed


def test_a_port_that_is_taken_is_refused_before_anything_is_opened(run: Run, mocklend: Client, tmp_path: Path) -> None:
    ran = run("serve", "--port", mocklend.base_url.rpartition(":")[2], "--database", str(tmp_path / "books.db"))

    assert ran.code == 2
    assert "Give another port with --port." in ran.err
    assert not (tmp_path / "books.db").exists()


def test_one_process_serves_an_sqlite_database(run: Run, tmp_path: Path) -> None:
    ran = run("serve", "--port", "0", "--workers", "2", "--database", str(tmp_path / "books.db"))

    assert ran.code == 2
    assert "is an SQLite database, which one process serves" in ran.err
    assert not (tmp_path / "books.db").exists()


def test_an_sqlite_database_has_its_pages_in_memory_and_not_in_redis(run: Run, tmp_path: Path) -> None:
    ran = run("serve", "--port", "0", "--redis", "redis://127.0.0.1:1", "--database", str(tmp_path / "books.db"))

    assert ran.code == 2
    assert "it keeps status pages in memory, not in Redis" in ran.err
    assert "--redis" in ran.err
    assert not (tmp_path / "books.db").exists()


@pytest.mark.parametrize("url", ["http://127.0.0.1", "redis://127.0.0.1:1/?what=1", "redis://127.0.0.1:port"])
def test_a_url_of_redis_that_cannot_be_used_is_refused(run: Run, postgresql: str, url: str) -> None:
    ran = run("serve", "--port", "0", "--redis", url, "--database", postgresql)

    assert ran.code == 2
    assert "cannot be used" in ran.err
    assert "redis" in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.long
def test_several_processes_serve_with_one_redis_also_while_it_stands_still_or_is_gone(
    postgresql_alone: str, real_redis: Real
) -> None:
    command = [sys.executable, "-m", "mocklend", "serve", "--port", "0", "--workers", "2", "--json"]
    command += ["--database", postgresql_alone, "--redis", real_redis.url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            url = json.loads(server.stdout.readline())["url"]
            with Client(url) as anyone, anyone.sandbox(seed=7) as client:
                loan = client.borrow(client.add_borrower("ada", "Ada")["id"], 100_000, product_id="jiebei-like")["id"]

                def versions(wanted: str) -> set[int]:
                    """The versions of answers until one says where it came from as it is wanted."""
                    seen = set()
                    for _ in range(2_000):
                        answer = requests.get(
                            f"{url}/v1/loans/{loan}", headers={"Authorization": f"Bearer {client.api_key}"}, timeout=30
                        )
                        assert answer.status_code == 200
                        seen.add(answer.json()["version"])
                        if answer.headers["Mocklend-Cache"] == wanted:
                            return seen
                    raise AssertionError(f"no answer was a {wanted}")

                assert versions("hit") == {1}
                real_redis.stop()
                assert versions("down") == {1}
                client.settle(client.repay(loan, 1_000, "wallet", "OVD_AND_CURRENT"))
                now = client.loan(loan)["version"]
                assert now > 1
                assert versions("down") == {now}
                real_redis.go_on()
                assert versions("hit") == {now}
                real_redis.kill()
                assert versions("down") == {now}
                real_redis.start()
                assert versions("hit") == {now}
        finally:
            server.terminate()
    assert server.returncode == 0


def test_settings_that_cannot_be_used_are_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOCKLEND_CONTROL_TOKEN", "short")

    ran = run("serve")

    assert ran.code == 2
    assert "control_token" in ran.err


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Doc]:
    """`mocklend serve --json`, and the line that it prints once it is up."""
    command = [
        sys.executable,
        "-m",
        "mocklend",
        "serve",
        "--port",
        "0",
        "--database",
        str(tmp_path / "books.db"),
        "--json",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline()) | {"process": process}
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_serve_prints_one_line_once_it_answers_and_stops_on_a_signal(served: Doc, tmp_path: Path) -> None:
    process: subprocess.Popen[str] = served["process"]
    with Client(served["url"]) as anyone, anyone.sandbox(seed=7) as client:
        client.add_borrower("ada", "Ada")
        health = anyone.health()

    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=30)

    assert health["status"] == "ok"
    assert len(served["token"]) >= 8
    assert (process.returncode, rest) == (0, "")
    assert (tmp_path / "books.db").exists()


@pytest.mark.parametrize("to", ["-", "access.jsonl"])
def test_an_access_log_is_written_beside_what_serve_prints(tmp_path: Path, to: str) -> None:
    command = [
        *[sys.executable, "-m", "mocklend", "serve", "--port", "0", "--database", str(tmp_path / "books.db")],
        *["--json", "--access-log", to],
    ]
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=tmp_path, text=True, **pipes) as process:
        assert process.stdout is not None
        try:
            served = json.loads(process.stdout.readline())
            with Client(served["url"]) as anyone, anyone.sandbox(seed=7) as client:
                client.add_borrower("ada", "Ada")
                with pytest.raises(ProblemError, match="body_too_large"):
                    client.add_borrower("ada", "A" * 70_000)
            process.send_signal(signal.SIGTERM)
            rest, errors = process.communicate(timeout=30)
        finally:
            process.kill()

    written = (tmp_path / "access.jsonl").read_text() if to != "-" else errors
    lines = [json.loads(line) for line in written.splitlines()]
    borrowers = [line for line in lines if line["path"] == "/v1/borrowers"]
    assert rest == ""
    assert to == "-" or errors == ""
    assert [line["status"] for line in borrowers] == [201, 413]
    assert {line["sandbox"] for line in borrowers} == {client.sandbox_id}
    assert all(line["request_id"].startswith("req_") for line in lines)
    assert (client.api_key or "none") not in written


def test_an_unwritable_access_log_is_reported_before_the_server_starts(run: Run, tmp_path: Path) -> None:
    ran = run("serve", "--port", "0", "--database", str(tmp_path / "books.db"), "--access-log", str(tmp_path))

    assert ran.code == 2
    assert f"{tmp_path} cannot be written: Is a directory." in ran.err
    assert not (tmp_path / "books.db").exists()


@pytest.mark.long
def test_the_key_of_default_is_the_one_of_the_last_start_and_is_not_in_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, key = tmp_path / "books.db", "mk_chosen_by_the_operator"
    command = [
        *[sys.executable, "-m", "mocklend", "serve", "--host", "0.0.0.0", "--port", "0"],
        *["--database", str(database), "--json"],
    ]
    secrets = {}
    for start, chosen in (("first", None), ("second", None), ("third", key)):
        if chosen is not None:
            monkeypatch.setenv("MOCKLEND_DEFAULT_KEY", chosen)
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                served = json.loads(process.stdout.readline())
                secrets[start] = served["api_key"]
                opens = {}
                for of, item in secrets.items():
                    with Client(served["url"], item) as client:
                        opens[of] = _opens(client)
            finally:
                process.kill()
        assert opens == {of: of == start for of in secrets}
        stored = b"".join(path.read_bytes() for path in tmp_path.glob("books.db*"))
        assert not any(item.encode() in stored for item in secrets.values())
    assert secrets["third"] == key


def _opens(client: Client) -> bool:
    try:
        client.loans()
    except ProblemError as problem:
        assert problem.code == "credential_invalid"
        return False
    return True


def test_a_key_of_default_that_no_header_can_carry_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOCKLEND_DEFAULT_KEY", "with a blank")

    ran = run("serve")

    assert ran.code == 2
    assert "default_key" in ran.err
    assert "blank" not in ran.err


@pytest.mark.parametrize("command", [["worker"], ["serve", "--no-ticker", "--port", "0"]])
def test_the_server_of_an_sqlite_database_also_runs_its_clocks(run: Run, tmp_path: Path, command: list[str]) -> None:
    ran = run(*command, "--database", str(tmp_path / "books.db"))

    assert ran.code == 2
    assert "is an SQLite database, which one process serves" in ran.err
    assert not (tmp_path / "books.db").exists()


@pytest.mark.long
def test_a_worker_runs_the_clocks_of_a_server_without_ticker(postgresql_alone: str) -> None:
    def started(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "mocklend", *arguments, "--database", postgresql_alone, "--json"]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    with started("serve", "--port", "0", "--no-ticker") as server, started("worker") as worker:
        try:
            assert server.stdout is not None
            assert worker.stdout is not None
            url, up = json.loads(server.stdout.readline())["url"], json.loads(worker.stdout.readline())
            with Client(url) as anyone, anyone.sandbox(seed=7, clock="wall", speed=3600) as client:
                loan = client.borrow(client.add_borrower("ada", "Ada")["id"], 100_000, product_id="jiebei-like")
                repayment = client.repay(loan["id"], 1_000, "wallet", "OVD_AND_CURRENT")["id"]
                while client.repayment(repayment)["status"] == "PROCESSING":
                    pass
                status = client.repayment(repayment)["status"]
            worker.send_signal(signal.SIGTERM)
            server.send_signal(signal.SIGTERM)
            codes = (worker.wait(60), server.wait(60))
        finally:
            worker.kill()
            server.kill()

    assert (status, codes) == ("S", (0, 0))
    assert up["database"].startswith("postgresql+psycopg://")
