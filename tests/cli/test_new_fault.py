"""`mocklend faults new`: the files that it writes work unchanged, in a checkout and in another package."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mocklend.cli import app
from mocklend.cli.new_fault import new_fault
from mocklend.seams import SEAMS

ROOT = Path(__file__).resolve().parents[2]
New = Callable[..., tuple[int, str]]


@pytest.fixture
def new(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> New:
    """The command, typed in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def typed(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["faults", "new", *arguments])
        return result.exit_code, result.output

    return typed


def ran(folder: Path, *arguments: str, path: Path) -> subprocess.CompletedProcess[str]:
    """Python in that folder, which finds what lies in `path` first."""
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    env = os.environ | {"PYTHONPATH": str(path), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run([sys.executable, *arguments], cwd=folder, env=env, capture_output=True, text=True)


def table(folder: Path) -> dict[str, str]:
    """The faults that the folder's project brings."""
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    faults: dict[str, str] = project["project"]["entry-points"]["mocklend.faults"]
    return faults


def test_a_new_package_for_each_seam_passes_its_tests(tmp_path: Path) -> None:
    for n, seam in enumerate(SEAMS):
        for file, text in new_fault(f"mine.at_{n}", seam, tmp_path).files.items():
            file.write_text(text, encoding="utf-8")

    result = ran(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", path=tmp_path)

    assert f"{2 * len(SEAMS)} passed" in result.stdout, result.stdout


def test_a_package_may_bring_several_faults(new: New, tmp_path: Path) -> None:
    assert new("callback.lost_twice", "--seam", "callback.attempt")[0] == 0
    assert new("callback.lost_once", "--seam", "callback.attempt")[0] == 0

    assert table(tmp_path) == {"callback.lost_once": "callback_lost_once", "callback.lost_twice": "callback_lost_twice"}
    project = tomllib.loads((tmp_path / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["only-include"] == ["callback_lost_twice.py", "callback_lost_once.py"]


def test_without_a_project_table_the_line_to_add_is_printed(new: New, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'mine'\n", encoding="utf-8")

    code, output = new("callback.lost_twice", "--seam", "callback.attempt", "--json")

    assert (code, json.loads(output)["registered"]) == (0, False)
    assert json.loads(output)["entry_point"] == '"callback.lost_twice" = "callback_lost_twice"'


@pytest.mark.parametrize("name", ["lost", "Lost.twice", "lost twice.x", "../x.y", "a.b.c", "callback.", "callback.1st"])
def test_an_invalid_name_is_refused(new: New, tmp_path: Path, name: str) -> None:
    code, output = new(name, "--seam", "callback.attempt")

    assert (code, list(tmp_path.iterdir())) == (2, [])
    assert "is not a name of a fault" in output


def test_an_unknown_seam_is_refused_with_what_was_meant(new: New) -> None:
    code, output = new("callback.lost_twice", "--seam", "callback.attemt")

    assert (code, "callback.attempt" in output) == (2, True)


def test_no_existing_file_is_overwritten(new: New, tmp_path: Path) -> None:
    (tmp_path / "test_callback_lost_twice.py").write_text("mine", encoding="utf-8")

    code, output = new("callback.lost_twice", "--seam", "callback.attempt")

    assert (code, [file.name for file in tmp_path.iterdir()]) == (2, ["test_callback_lost_twice.py"])
    assert "already: test_callback_lost_twice.py" in output
    assert new("callback.dropped", "--seam", "callback.attempt")[0] == 2  # It is installed.


def test_in_a_checkout_each_file_has_its_place_and_its_test_passes(new: New, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "faults", tmp_path / "faults", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for folder in ("tests/faults/kinds", "tests/faults/lessons", "docs/faults"):
        (tmp_path / folder).mkdir(parents=True)

    code, output = new("callback.lost_twice", "--seam", "callback.attempt", "--json")

    assert code == 0, output
    assert json.loads(output) == {
        "files": [
            "faults/mocklend_faults/kinds/callback_lost_twice.py",
            "tests/faults/kinds/test_callback_lost_twice.py",
            "tests/faults/lessons/callback_lost_twice.py",
            "docs/faults/callback.lost_twice.md",
        ],
        "entry_point": '"callback.lost_twice" = "mocklend_faults.kinds.callback_lost_twice"',
        "registered": True,
    }
    assert table(tmp_path) == table(ROOT) | {"callback.lost_twice": "mocklend_faults.kinds.callback_lost_twice"}
    test = "tests/faults/kinds/test_callback_lost_twice.py"
    result = ran(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", test, path=tmp_path / "faults")
    assert "2 passed" in result.stdout, result.stdout
    written = [file for file in json.loads(output)["files"] if file.endswith(".py")]
    for check in (["check"], ["format", "--check"]):
        result = ran(tmp_path, "-m", "ruff", *check, "--no-cache", *written, path=tmp_path)
        assert result.returncode == 0, result.stdout + result.stderr


def test_the_page_has_the_headings_of_every_page_about_a_fault(tmp_path: Path) -> None:
    (tmp_path / "faults/mocklend_faults/kinds").mkdir(parents=True)
    files = new_fault("callback.lost_twice", "callback.attempt", tmp_path).files
    shipped = (ROOT / "docs/faults/callback.dropped.md").read_text(encoding="utf-8")

    headings = [
        re.findall(r"^## (.+)$", page, re.M)
        for page in (shipped, files[tmp_path / "docs/faults/callback.lost_twice.md"])
    ]

    assert headings[0] == headings[1]
