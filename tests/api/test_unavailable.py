"""While the database is unavailable every request is answered 503, with a hint and Retry-After, and never 500."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from apiflask import APIFlask
from sqlalchemy import Engine, event
from werkzeug.test import TestResponse

from mocklend.app import create_app
from mocklend.config import Settings
from mocklend.runtime import Platform, find_layer

on_its_file = pytest.mark.sqlite_only("it breaks a file or a connection of SQLite")

SEEN_BEFORE = {400, 401, 404, 405, 415, 422}
"""Requests that can be refused without the database."""
FILLED = {"id": "x", "channel": "wallet", "day": "2026-01-05", "name": "x", "lender": "x"}
WITHOUT = ("/docs", "/openapi", "/-/metrics", "/-/profiles", "/-/faults", "/v1/products", "/channels")
"""Requests that do not need the database for their answer."""


@pytest.fixture
def faulty(open_platform: Callable[..., Platform]) -> Platform:
    """A platform with the fault layer."""
    opened: Platform = open_platform(find_layer())
    opened.pulse.answers_within_s = 30  # However busy the machine is.
    return opened


@pytest.fixture
def app(faulty: Platform) -> APIFlask:
    """Its app."""
    return create_app(Settings(), faulty)


def refuse_writes(engine: Engine, when: Callable[[], bool] = lambda: True) -> None:
    """From now on the database refuses writes, whenever `when` holds."""

    def on_checkout(dbapi: Any, *_: object) -> None:
        if engine.dialect.name == "sqlite":
            dbapi.execute(f"PRAGMA query_only={when()}")
        else:
            dbapi.read_only = when()  # Of its next transactions; a statement of SET would begin one.

    event.listen(engine, "checkout", on_checkout)


def everything_asked(app: APIFlask) -> list[tuple[str, str, TestResponse]]:
    """Every address and method, with its answer."""
    client, answers = app.test_client(), []
    for rule in app.url_map.iter_rules():
        with app.app_context():
            path = rule.rule
            for part in rule.arguments:
                path = path.replace(f"<id:{part}>", FILLED.get(part, "x"))
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            body = {"by": "PT1H"} if path == "/-/clock/advance" else {}
            json = None if method == "GET" else body
            answers.append(
                (method, path, client.open(path, method=method, json=json, headers={"Idempotency-Key": "k"}))
            )
    return answers


@on_its_file
def test_every_read_and_write_of_every_plane_says_that_the_file_is_gone(
    app: APIFlask, faulty: Platform, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mocklend.db").unlink()
    faulty.ground._look_at = 0.0

    answers = everything_asked(app)

    planes = {path.split("/")[1] for _, path, response in answers if response.status_code == 503}
    assert {"v1", "operator", "channels", "bureau", "-"} <= planes
    for method, path, response in answers:
        if response.status_code != 503:
            assert response.status_code in SEEN_BEFORE or path.startswith(WITHOUT), (method, path, response.status)
            continue
        document = response.get_json()
        assert (response.mimetype, document["code"]) == ("application/problem+json", "unavailable"), (method, path)
        assert response.headers["Retry-After"] == "1"
        assert "removed or replaced" in document["detail"]
        assert str(tmp_path) not in response.get_data(as_text=True)
    logged = capsys.readouterr()
    assert (logged.out, logged.err.count("\n")) == ("", 1)


@on_its_file
def test_while_the_disk_is_full_writes_are_refused_and_reads_are_answered(
    app: APIFlask, faulty: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    client, now = app.test_client(), faulty.ground._now()
    faulty.ground._now = lambda: now  # However busy the machine is: no retry is due, nor another look at the files.
    event.listen(faulty.engine, "checkout", lambda dbapi, *_: dbapi.execute("PRAGMA max_page_count=1"))
    written = [client.post("/v1/borrowers", json={"reference": f"b{n}", "name": "B"}) for n in range(1_000)]

    assert {answer.status_code for answer in written} == {201, 503}
    refused = written[-1]
    assert (refused.get_json()["code"], refused.headers["Retry-After"]) == ("unavailable", "1")
    assert "Make room" in refused.get_json()["detail"]
    assert client.get("/v1/loans").status_code == 200
    assert client.get("/-/health").get_json()["code"] == "unavailable"
    assert capsys.readouterr().err.count("\n") == 1


def test_a_503_is_not_stored_under_its_key(app: APIFlask, faulty: Platform) -> None:
    client, body = app.test_client(), {"reference": "ada", "name": "Ada"}
    may_write: list[int] = []
    refuse_writes(faulty.engine, lambda: may_write == [])
    ada = {"Idempotency-Key": "the one"}

    assert client.post("/v1/borrowers", json=body, headers=ada).status_code == 503
    may_write.append(1)
    now = faulty.ground._now
    faulty.ground._now = lambda: now() + 1

    assert client.post("/v1/borrowers", json=body, headers=ada).status_code == 201


def test_health_is_that_of_a_write_and_frequent_queries_cost_one_commit(faulty: Platform, app: APIFlask) -> None:
    client = app.test_client()
    real = [0.0]
    faulty.writer._now, faulty.writer._written = lambda: real[0], -5.0
    commits: list[Any] = []
    event.listen(faulty.engine, "commit", commits.append)

    for _ in range(20):
        assert client.get("/-/health").status_code == 200
    assert len(commits) == 1

    real[0] += 5
    refuse_writes(faulty.engine)
    sick = client.get("/-/health")
    assert (sick.status_code, sick.get_json()["code"], sick.headers["Retry-After"]) == (503, "unavailable", "1")
    assert "refuses writes" in sick.get_json()["detail"]


def test_health_is_down_as_soon_as_a_write_is_refused(faulty: Platform, app: APIFlask) -> None:
    client = app.test_client()
    faulty.writer._now = lambda: 0.0
    assert client.post("/v1/borrowers", json={"reference": "ada", "name": "Ada"}).status_code == 201
    refuse_writes(faulty.engine)

    assert client.post("/v1/borrowers", json={"reference": "bob", "name": "Bob"}).status_code == 503
    assert client.get("/-/health").status_code == 503
