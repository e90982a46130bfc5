"""A server answers health before its app is built, and imports little until then."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from mocklend.domain.problems import Refused
from mocklend.pulse import HealthDoc
from mocklend.server import LateApp

LATE = (
    "apiflask", "flask", "jinja2", "marshmallow", "werkzeug", "mocklend.api", "mocklend.app", "mocklend.runtime",
    "mocklend.writer", "mocklend_faults",
)  # fmt: skip
"""What is imported with the app, after the server has answered health."""
UNUSED = ("apscheduler", "requests", "rich", "sqlalchemy.dialects.postgresql", "urllib3", "yaml")
"""What a start on SQLite does not use."""

UNTIL_READY = """
import json, os, sys
from mocklend.cli import main, serving

def say(*_):
    print(json.dumps(sorted(sys.modules)), flush=True)
    os._exit(0)

serving._announce_json = say
sys.argv = ["mocklend", "serve", "--json", "--port", "0", "--database", sys.argv[1]]
main()
"""
ON_DEMAND = (
    "alembic", "babel", "mocklend.client", "mocklend.console.app", "mocklend.reconcilers", "mocklend.reports.page", "requests",
    "rich", "sqlalchemy.dialects.postgresql", "urllib3", "yaml",
)  # fmt: skip
"""What a server imports when somebody asks for it: a page, a story, a report."""
BUILT = """
import json, sys
from mocklend.cli.lean import lean

with lean():
    from mocklend.app import create_app
    from mocklend.config import Settings
    from mocklend.runtime import Platform, find_layer

create_app(Settings(database=sys.argv[1]), Platform(sys.argv[1], find_layer(), fast=True))
print(json.dumps(sorted(sys.modules)))
"""
CANNOT_BUILD = """
import sys
import mocklend.app
from mocklend.config import Settings
from mocklend.server import serve

def create_app(*_):
    raise TypeError("a kind of fault is not valid")

mocklend.app.create_app = create_app
serve(Settings(database=sys.argv[1], port=0, durability="fast"), lambda *_: print("up", flush=True))
"""
HEALTHY: HealthDoc = {
    "status": "ok", "writes": "ok", "writes_wait_ms": 0, "version": "1", "engine": "sqlite", "layer": False,
}  # fmt: skip


def run(program: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """Run a Python program, which is given the path of a database."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", program, str(tmp_path / "mocklend.db")]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)


def test_a_server_that_says_it_is_up_has_not_imported_what_health_does_not_need(tmp_path: Path) -> None:
    ran = run(UNTIL_READY, tmp_path)

    modules = json.loads(ran.stdout)
    assert "mocklend.server" in modules
    assert [name for name in modules if name.startswith(tuple(f"{late}." for late in LATE + UNUSED))] == []
    assert set(modules) & {*LATE, *UNUSED} == set()


def test_an_app_that_is_built_has_not_imported_what_is_for_pages_stories_and_reports(tmp_path: Path) -> None:
    ran = run(BUILT, tmp_path)

    modules = json.loads(ran.stdout)
    assert {"mocklend.api.loans", "mocklend_faults.api.classes", "mocklend.scenarios.runs"} <= set(modules)
    assert [
        name for name in modules if name in ON_DEMAND or name.startswith(tuple(f"{each}." for each in ON_DEMAND))
    ] == []


def test_a_server_whose_app_cannot_be_built_ends_with_the_reason(tmp_path: Path) -> None:
    ran = run(CANNOT_BUILD, tmp_path)

    assert ran.stdout == "up\n"
    assert ran.returncode == 1
    assert ran.stderr.endswith("TypeError: a kind of fault is not valid\n")


class Built:
    """A `LateApp` whose app is built as often as `builds` says, and answers with nothing."""

    def __init__(self, health: HealthDoc | Refused = HEALTHY) -> None:
        self.builds = 0
        self.answers: list[tuple[str, dict[str, str]]] = []
        self._health = health
        self.app = LateApp(self._build, self._asked)

    def _build(self) -> Any:
        self.builds += 1
        return self._answer

    def _answer(self, _environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("204 NO CONTENT", [])
        return ()

    def _asked(self) -> HealthDoc:
        if isinstance(self._health, Refused):
            raise self._health
        return self._health

    def get(self, path: str, query: str = "") -> tuple[str, dict[str, str], bytes]:
        """Status, headers and body of the answer to a GET."""
        self.answers.clear()
        environ: dict[str, object] = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": query}
        body = b"".join(self.app(environ, lambda status, headers: self.answers.append((status, dict(headers)))))
        return *self.answers[0], body


def test_health_is_answered_without_the_app_until_it_is_built() -> None:
    late = Built()

    status, headers, body = late.get("/-/health")

    assert (status, json.loads(body), late.builds) == ("200 OK", HEALTHY, 0)
    assert headers["Content-Type"] == "application/json"
    assert headers["Mocklend-Request-Id"].startswith("req_")
    assert late.get("/v1/loans")[0] == "204 NO CONTENT"
    assert late.get("/-/health")[0] == "204 NO CONTENT"
    assert late.builds == 1


def test_a_query_about_health_is_left_to_the_app() -> None:
    assert Built().get("/-/health", "verbose=1")[0] == "204 NO CONTENT"


def test_a_refusal_is_a_problem_document() -> None:
    status, headers, body = Built(Refused("busy", "a write has been waiting")).get("/-/health")

    assert status.startswith("503")
    assert headers["Content-Type"] == "application/problem+json"
    assert json.loads(body)["code"] == "busy"


def test_a_server_that_stops_builds_no_app() -> None:
    late = Built()
    late.app.stop()

    assert json.loads(late.get("/v1/loans")[2])["code"] == "server_stopping"
    with pytest.raises(Refused, match="server_stopping"):
        late.app.built()
    assert late.builds == 0
