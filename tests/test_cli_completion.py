"""What helps somebody who types: the version, the shell's completion, and the nearest name."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points

import pytest

from mocklend import __version__

needs_faults = pytest.mark.skipif(
    not entry_points(group="mocklend.layer"), reason="the fault layer is found by entry point: install mocklend first"
)


def typed(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, at an address where nothing answers."""
    command = [sys.executable, "-c", "from mocklend.cli import main; main()", *arguments]
    program = "import sys; sys.argv[0] = 'mocklend'; from mocklend.cli import main; main()"
    command[2] = program
    env = os.environ | {"MOCKLEND_URL": "http://127.0.0.1:9"} | environment
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=60, check=False)


def completed(line: str) -> list[str]:
    """What bash would offer at the end of a line."""
    words = line.split(" ")
    result = typed(_MOCKLEND_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=str(len(words) - 1))
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout.split()


def test_the_version_is_printed() -> None:
    result = typed("--version")

    assert (result.returncode, result.stdout) == (0, f"mocklend {__version__}\n")


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("mocklend fau", ["faults"]),
        ("mocklend faults o", ["on", "off"]),
        ("mocklend reconcile --with ", ["naive", "thorough"]),
        ("mocklend answer-key --status s", ["superseded"]),
        ("mocklend faults profile r", []),
    ],
)
def test_the_shell_completes_commands_and_names(line: str, offered: list[str]) -> None:
    assert completed(line) == offered


@needs_faults
def test_the_shell_completes_the_names_of_faults_and_scenarios() -> None:
    assert completed("mocklend faults on callback.d") == ["callback.delayed", "callback.dropped", "callback.duplicated"]
    assert "settled-shown-unpaid" in completed("mocklend scenario run se")


def test_the_completion_script_of_a_shell_can_be_printed() -> None:
    result = typed("--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")

    assert result.returncode == 0
    assert "_MOCKLEND_COMPLETE=complete_bash" in result.stdout


def test_a_command_or_option_that_is_nearly_right_is_answered_with_the_right_one() -> None:
    assert "Did you mean 'faults'?" in typed("fautls").stderr
    assert "--json" in typed("audit", "--jsn").stderr


def test_help_and_completion_load_neither_the_platform_nor_the_client() -> None:
    program = (
        "import sys; sys.argv = ['mocklend', '--help']; from mocklend.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'flask', 'sqlalchemy', 'requests', 'pydantic', 'yaml'} & set(sys.modules)), file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)

    assert result.stderr == "[]\n"
