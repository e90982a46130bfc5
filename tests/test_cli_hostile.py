"""Every flag and argument of every command with invalid values: a sentence and an exit code, no traceback."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperCommand, TyperGroup, TyperOption

from mocklend import cli
from mocklend.client import Client
from mocklend.exit_codes import ExitCode

pytestmark = pytest.mark.security

if not entry_points(group="pytest11", name="mocklend"):
    pytest_plugins = ["mocklend.testing"]

needs_faults = pytest.mark.skipif(
    not entry_points(group="mocklend.layer"), reason="the fault layer is found by entry point"
)

HOSTILE = ("", " ", "é\n", "\udcff", "-1", "0", "9" * 400, "1e999", "nan", "../../x", "no/such/folder/x", "10:00", "{}")
GOOD: dict[str, tuple[str, ...]] = {
    "scenario play": ("stale-page", "--pace-s", "0"),
    "scenario run": ("settled-shown-unpaid",),
    "scenario new": ("mine",),
    "scenario save": ("mine.yaml",),
    "clock advance": ("PT1S",),
    "faults on": ("cache.bounded_stale",),
    "faults off": ("cache.bounded_stale",),
    "faults explain": ("loan_1",),
    "experiments start": ("plan.yaml",),
    "experiments stop": ("plan",),
    "score": ("findings.jsonl",),
    "dataset": ("season", "--loans", "1", "--days", "1"),
    "live": ("--loans", "1", "--days", "1"),
}
"""What a command needs beside the flag that is looked at."""
NOT_HERE = {"serve", "doctor", "demo"}
"""They take a port, or a minute: their flags are looked at below, or are a seed alone."""
LONG = {"scenario play", "scenario run", "dataset", "live"}
"""Where a value is no harm, they do their work, which takes seconds."""


def root() -> TyperGroup:
    """The whole command-line interface."""
    command = typer.main.get_command(cli.app)
    assert isinstance(command, TyperGroup)
    return command


def commands(group: TyperGroup | None = None, name: str = "") -> Iterator[tuple[str, TyperCommand]]:
    """Each command by the words that it is typed with."""
    for word, command in (group or root()).commands.items():
        full = f"{name} {word}".strip()
        if isinstance(command, TyperGroup):
            yield from commands(command, full)
        else:
            assert isinstance(command, TyperCommand)
            yield full, command


def cases() -> Iterator[object]:
    """Each command with each of what it takes, by its flag or by its place."""
    for name, command in commands():
        if name in NOT_HERE:
            continue
        for param in command.params:
            if isinstance(param, TyperOption) and (param.is_flag or param.name == "help"):
                continue
            parameter = param.opts[0] if param.param_type_name == "option" else param.name
            yield pytest.param(name, parameter, marks=[pytest.mark.long] if name in LONG else [])


@pytest.fixture
def run(
    mocklend: Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., tuple[int | str, str]]:
    """Run a command in a folder with the files that it needs, and return its code and all that it said."""
    monkeypatch.setenv("MOCKLEND_URL", mocklend.base_url)
    monkeypatch.setenv("MOCKLEND_API_KEY", mocklend.api_key or "")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plan.yaml").write_text("stages: [{name: a, duration_s: 60, profile: realistic}]")
    (tmp_path / "findings.jsonl").write_text("")

    def run(*arguments: str) -> tuple[int | str, str]:
        monkeypatch.setattr(sys, "argv", ["mocklend", *arguments])
        capsys.readouterr()
        try:
            cli.main()
        except SystemExit as left:
            printed = capsys.readouterr()
            return left.code or 0, printed.out + printed.err
        return 0, "".join(capsys.readouterr())

    return run


@needs_faults
@pytest.mark.parametrize(("name", "parameter"), list(cases()))
def test_an_invalid_value_is_answered_in_a_sentence(
    run: Callable[..., tuple[object, str]], name: str, parameter: str
) -> None:
    for value in HOSTILE:
        arguments = list(GOOD.get(name, ()))
        if parameter.startswith("-"):
            arguments += [f"{parameter}={value}"]
        else:
            arguments = [value, *arguments[1:]]
        code, output = run(*name.split(), *arguments)
        assert code in list(ExitCode), (value, code, output)
        assert "Traceback" not in output, (value, output)
        if code == ExitCode.WRONG_USE:
            assert output.strip(), value


@needs_faults
@pytest.mark.parametrize(
    "flag", ["--api-key", "--control-token", "--operator-token", "--channel-token", "--bureau-token"]
)
@pytest.mark.parametrize("value", ["é", "a\nb", "\udcff", "٣"])
def test_a_key_or_token_that_no_header_takes_is_refused_and_not_shown(
    run: Callable[..., tuple[object, str]], flag: str, value: str
) -> None:
    code, output = run(flag, value, "clock", "show")

    assert code == ExitCode.WRONG_USE
    assert f"the {flag[2:].replace('-', '_')} cannot be a header" in output
    assert value not in output


@pytest.mark.parametrize(
    "url",
    ["x", "http://", "http://[::1", "http://127.0.0.1:a", "http://127.0.0.1:99999", "ftp://127.0.0.1", "file:///etc/passwd",
     "http://a..b", "//127.0.0.1", "http://u:secret@127.0.0.1", "http:\\\\127.0.0.1", " http://127.0.0.1", "http://127.0.0.1?a",
     "http://127.0.0.1/#a", "javascript:alert(1)", "\udcff"],
)  # fmt: skip
def test_an_invalid_address_is_refused(run: Callable[..., tuple[object, str]], url: str) -> None:
    code, output = run(f"--url={url}", "clock", "show")

    assert code == ExitCode.WRONG_USE
    assert "not an address of a server" in output or "no text" in output
    assert "secret" not in output


@needs_faults
def test_an_invalid_condition_is_refused_by_the_platform(run: Callable[..., tuple[object, str]]) -> None:
    for value in ("9" * 5_000, "--5", "²", "-", ""):
        code, output = run("faults", "on", "cache.bounded_stale", "--match", f"amount_minor={value}")
        assert code in (ExitCode.PASS, ExitCode.WRONG_USE), output


@pytest.mark.parametrize(
    "host",
    ["", "no-such-host.invalid", "a b", "256.1.1.1", "::zz", "[::1]", "127.0.0.1:80", "http://127.0.0.1", "a..b", "a" * 300,
     "203.0.113.9"],
)  # fmt: skip
def test_a_host_that_cannot_be_bound_is_refused(run: Callable[..., tuple[object, str]], host: str) -> None:
    code, output = run("serve", f"--host={host}", "--port=0", "--database=x.db")

    assert code == ExitCode.WRONG_USE
    assert "cannot be" in output
    assert run("doctor", f"--host={host}", "--port=0", "--database=x.db")[0] == ExitCode.FAIL


def test_a_folder_is_refused_as_database(run: Callable[..., tuple[object, str]]) -> None:
    code, output = run("serve", "--port=0", "--database=.")

    assert code == ExitCode.WRONG_USE
    assert "is a folder, not a database" in output


def test_a_server_on_localhost_starts_and_stops_on_a_signal(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mocklend", "serve", "--host", "localhost", "--port", "0", "--json"]
    with subprocess.Popen(
        [*command, "--database", str(tmp_path / "x.db")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert '"url": "http://127.0.0.1:' in process.stdout.readline()
            process.terminate()
            assert process.wait(60) == 0
        finally:
            process.kill()
