"""scripts/check refuses each forbidden import: the test adds them to a copy of the sources.

a copy of the sources ──▶ one line more ──▶ lint-imports, ruff, one_place.py ──▶ refused, by the name of its rule
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TOOLS = {
    "lint-imports": [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
    "ruff": [str(Path(sys.executable).with_name("ruff")), "check", "--no-cache", "--select", "TID251", "."],
    "one_place": [sys.executable, str(ROOT / "tests" / "one_place.py"), "."],
}
"""Of those that scripts/check runs, the ones that look at imports and names."""


@dataclass(frozen=True)
class Planted:
    """A line that must not be in a module, which tool refuses it, and a part of what the tool says."""

    name: str
    module: str
    line: str
    tool: str
    says: str


MONITORING, LENDING = "platform/mocklend/monitoring/seen.py", "platform/mocklend/lending/quotes.py"
SERVICING, WRITER = "platform/mocklend/servicing/edits.py", "platform/mocklend/writer.py"
CLIENT, ENGINE = "platform/mocklend/client.py", "faults/mocklend_faults/engine/rules.py"
API = "platform/mocklend/api/loans.py"

PLANTED = (
    Planted("monitoring imports the world", MONITORING, "from mocklend.world.reading import world_facts_of", "lint-imports", "mocklend.monitoring is not allowed to import mocklend.world"),
    Planted("monitoring imports the world's table", MONITORING, "from mocklend.world import WORLD", "lint-imports", "mocklend.monitoring is not allowed to import mocklend.world"),
    Planted("monitoring reads facts of the world", MONITORING, "facts_of(connection, 'world_facts', sandbox_id, ids)", "one_place", "seen.py:"),
    Planted("monitoring reads the world by SQL", MONITORING, "SQL = 'SELECT id FROM world_facts WHERE sandbox_id = :sandbox_id'", "one_place", "world_facts may stand in"),
    Planted("monitoring imports the table's declaration", MONITORING, "from mocklend.storage.schema import world_facts", "one_place", "world_facts may stand in"),
    *(
        Planted(f"lending imports {module}", LENDING, f"import {module}", "lint-imports", f"mocklend.lending is not allowed to import {module}")
        for module in ("flask", "time", "random", "secrets", "requests")
    ),
    Planted("servicing imports flask", SERVICING, "from flask import request", "lint-imports", "mocklend.servicing is not allowed to import flask"),
    Planted("the client imports the runtime", CLIENT, "from mocklend.runtime import Platform", "lint-imports", "mocklend.client is not allowed to import mocklend.runtime"),
    Planted("lending imports a dialect", LENDING, "from sqlalchemy.dialects import sqlite", "ruff", "`sqlalchemy.dialects` is banned"),
    Planted("the api writes the world", API, "from mocklend.world.record import record_in_world", "lint-imports", "mocklend.api.loans -> mocklend.world.record"),
    Planted("the writer imports servicing", WRITER, "from mocklend.servicing import edits", "lint-imports", "mocklend.writer is not allowed to import mocklend.servicing"),
    Planted("the engine imports the platform's api", ENGINE, "from mocklend.api import problems", "lint-imports", "mocklend_faults.engine is not allowed to import mocklend.api"),
    Planted("lending asks what time it is", LENDING, "from datetime import datetime\nNOW = datetime.now()", "ruff", "`datetime.datetime.now` is banned"),
    Planted("lending asks what day it is", LENDING, "from datetime import date\nTODAY = date.today()", "ruff", "`datetime.date.today` is banned"),
    Planted("the api asks what time it is", API, "import time\nNOW = time.time()", "ruff", "`time.time` is banned"),
)  # fmt: skip


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The sources as they are, and what the tools are told about them."""
    for root in ("platform", "faults"):
        shutil.copytree(ROOT / root, tmp_path / root, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def refusal(copy: Path, tool: str) -> str:
    """What a tool says about the copy; nothing where it finds nothing wrong."""
    roots = os.pathsep.join(str(copy / root) for root in ("platform", "faults"))
    # Wide, so that no message is broken into lines.
    environment = {**os.environ, "PYTHONPATH": roots, "COLUMNS": "300", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(TOOLS[tool], cwd=copy, env=environment, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_scripts_check_runs_the_tools_that_are_asked_here() -> None:
    script = (ROOT / "scripts" / "check").read_text()

    assert '["ruff", "check", "."]' in script
    assert '["lint-imports"]' in script
    assert '["tests/one_place.py"]' in script
    assert "TID" in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]["select"]


@pytest.mark.parametrize("tool", TOOLS)
def test_the_unchanged_sources_pass(tool: str, copy: Path) -> None:
    assert refusal(copy, tool) == ""


@pytest.mark.long
@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.name)
def test_a_forbidden_import_is_refused(planted: Planted, copy: Path) -> None:
    path = copy / planted.module
    path.write_text(f"{path.read_text()}\n{planted.line}\n")

    assert planted.says in refusal(copy, planted.tool)


@pytest.mark.long
def test_an_unused_exception_is_refused(copy: Path) -> None:
    path = copy / "pyproject.toml"
    needed = '"mocklend.storage.* -> sqlite3"'
    path.write_text(path.read_text().replace(needed, f'{needed}, "mocklend.storage.* -> random"'))

    assert "mocklend.storage.* -> random" in refusal(copy, "lint-imports")


def test_each_exception_has_its_reason_above_it() -> None:
    lines = (ROOT / "pyproject.toml").read_text().splitlines()

    exceptions = ("ignore_imports", "allow_indirect_imports")
    bare = [
        f"{n + 1}: {line}"
        for n, line in enumerate(lines)
        if line.startswith(exceptions)
        and not lines[n - 1].startswith("# ")
        and not (n + 1 < len(lines) and lines[n + 1].startswith("    # "))
    ]

    assert bare == []
    assert not any(line.startswith("unmatched_ignore_imports_alerting") and "error" not in line for line in lines)
