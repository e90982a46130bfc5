"""`scripts/pythons`: which Pythons it takes, and what it makes of the tests' outcomes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import pythons

from mocklend.exit_codes import ExitCode

HERE = sys.version_info.minor
OTHER = next(minor for minor in pythons.MINORS if minor != HERE)


def script(folder: Path, name: str, text: str) -> str:
    """An executable file of the shell."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return str(file)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any Python: `bin` is its path, `home` its home."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path


def test_the_range_begins_with_what_the_project_requires() -> None:
    project = (pythons.ROOT / "pyproject.toml").read_text(encoding="utf-8")

    assert f'requires-python = ">=3.{pythons.MINORS[0]}"' in project


def test_a_python_on_the_path_is_taken(machine: Path) -> None:
    python = script(machine, f"bin/python3.{HERE}", f'exec {sys.executable} "$@"')

    assert pythons._python(HERE) == python


def test_a_python_of_another_version_than_its_name_is_not_taken(machine: Path) -> None:
    script(machine, f"bin/python3.{OTHER}", f'exec {sys.executable} "$@"')

    assert pythons._python(OTHER) is None


def test_a_shim_that_runs_nothing_is_replaced_by_pyenvs_own_python(machine: Path) -> None:
    script(machine, f"bin/python3.{HERE}", "exit 127")
    real = script(machine, f"home/.pyenv/versions/3.{HERE}.1/bin/python3", f'exec {sys.executable} "$@"')

    assert pythons._python(HERE) == real


@pytest.mark.parametrize(
    ("here", "failing", "code"),
    [
        ({HERE, OTHER}, set(), ExitCode.PASS),
        ({HERE, OTHER}, {OTHER}, ExitCode.FAIL),
        ({HERE}, {HERE}, ExitCode.FAIL),
        ({HERE}, set(), ExitCode.INCONCLUSIVE),
        (set(), set(), ExitCode.INCONCLUSIVE),
    ],
)
def test_all_pass_one_fails_or_there_is_no_other(
    here: set[int],
    failing: set[int],
    code: ExitCode,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(pythons, "_python", lambda minor: f"python3.{minor}" if minor in here else None)
    monkeypatch.setattr(pythons, "_fail_on", lambda python, tests: python in {f"python3.{minor}" for minor in failing})

    assert pythons.main(["tests/domain"]) == code

    printed = capsys.readouterr().out
    assert [f"3.{minor}" in printed.splitlines()[0] for minor in pythons.MINORS] == [
        minor not in here for minor in pythons.MINORS
    ]
    assert printed.count("FAIL") == len(failing)


def test_the_tests_run_in_a_copy_without_generated_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkout = tmp_path / "checkout"
    for name in ("scripts/test", ".venv/pyvenv.cfg", "tests/__pycache__/a.pyc", "tests/test_a.py"):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).touch()
    python = script(tmp_path, "python", f'find . -type f > "{tmp_path}/seen"; echo "$@" > "{tmp_path}/asked"; exit 1')
    monkeypatch.setattr(pythons, "ROOT", checkout)

    assert pythons._fail_on(python, ["tests/test_a.py"])

    assert sorted((tmp_path / "seen").read_text().split()) == ["./scripts/test", "./tests/test_a.py"]
    assert (tmp_path / "asked").read_text().rstrip().endswith("/scripts/test tests/test_a.py")
