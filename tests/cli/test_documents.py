"""Rules for all commands: help is quick, and `--json` prints one document."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
import typer

from mocklend.cli import app
from mocklend.client import Doc
from support.terminal import Run

if not entry_points(group="pytest11", name="mocklend"):
    pytest_plugins = ["mocklend.testing"]

needs_faults = pytest.mark.skipif(
    not entry_points(group="mocklend.layer"), reason="the fault layer is found by entry point: install mocklend first"
)


def test_help_imports_nothing_heavy() -> None:
    heavy = {"requests", "flask", "apiflask", "sqlalchemy", "pydantic", "rich", "granian", "waitress"}
    script = f"""
import sys
sys.argv = ["mocklend", "--help"]
from mocklend.cli import main
try:
    main()
except SystemExit:
    pass
print(sorted({heavy!r} & set(sys.modules)))
"""

    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert "Usage: mocklend" in output
    assert output.splitlines()[-1] == "[]"


def commands_with_json() -> set[str]:
    """Every command that takes `--json`, by its words."""

    def walk(command: Any, words: tuple[str, ...]) -> Iterator[str]:
        for name, inner in getattr(command, "commands", {}).items():
            yield from walk(inner, (*words, name))
        if any("--json" in parameter.opts for parameter in command.params):
            yield " ".join(words)

    return set(walk(typer.main.get_command(app), ()))


@pytest.mark.long
@needs_faults
def test_with_json_standard_output_is_one_document_and_nothing_else(
    run: Run, loan: Doc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "weather.yaml").write_text("stages: [{name: calm, duration_s: 600}]\n", encoding="utf-8")
    (tmp_path / "findings.jsonl").write_text("", encoding="utf-8")
    arguments = {
        "answer-key": [], "audit": [], "class list": [], "class make": ["A class", "--size", "2"],
        "clock advance": ["PT1H"], "clock hold": [], "clock run": [], "clock show": [],
        "dataset": ["season", "--loans", "2", "--days", "3", "--profile", "none"],
        "demo": [], "doctor": ["--database", "new.db", "--port", "0"], "experiments list": [],
        "experiments start": ["weather.yaml"], "experiments stop": ["weather"], "faults explain": [loan["id"]],
        "faults lint": [], "faults list": [], "faults new": ["callback.weather", "--seam", "callback.attempt"],
        "faults off": ["--all"], "faults on": ["cache.bounded_stale", "--lag-s", "60"],
        "faults profile": ["none"], "live": ["--loans", "2", "--days", "5"], "reconcile": ["--out", "found.jsonl"],
        "sandbox": [], "sandboxes expire": ["--unused-for", "P300D"], "sandboxes list": [], "scenario list": [],
        "scenario new": ["late-page"], "scenario play": ["stale-page", "--pace-s", "0"], "scenario run": ["late-page.yaml"], "scenario save": ["done.yaml"],
        "score": ["findings.jsonl"],
    }  # fmt: skip
    order = [
        "faults on",
        "experiments start",
        "scenario new",
        "clock hold",
        *sorted(set(arguments) - {"clock run"}),
        "clock run",
    ]

    for command in dict.fromkeys(order):
        ran = run(*command.split(), *arguments[command], "--json")
        assert ran.code in (0, 1, 3), (command, ran.err)
        json.loads(ran.out)

    of_a_class = {f"class {name}" for name in ("clock", "delete", "keys", "reveal", "show")}
    tested_elsewhere = of_a_class | {"serve", "worker"}  # They need a class, or do not end.
    assert set(arguments) == commands_with_json() - tested_elsewhere
