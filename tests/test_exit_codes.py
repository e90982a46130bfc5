"""Every command and script exits with a code of one table, and with the right one."""

from __future__ import annotations

import ast
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import requests
import typer.main
from typer.core import TyperGroup

from mocklend import cli
from mocklend.client import ProblemError
from mocklend.exit_codes import MEANINGS, ExitCode

ROOT = Path(__file__).resolve().parent.parent
for folder in ("loadtests", "scripts", "tests/identity"):
    if str(ROOT / folder) not in sys.path:
        sys.path.insert(0, str(ROOT / folder))

import _boot  # noqa: E402
import tool  # noqa: E402

TOOLS = {
    "bench": "loadtests/bench.py",
    "crash": "loadtests/crash.py",
    "determinism": "tests/identity/determinism_run.py",
    "ground": "loadtests/ground.py",
    "identity": "tests/identity/run.py",
    "idle": "loadtests/idle_overhead.py",
    "latency": "loadtests/latency.py",
    "load": "loadtests/load.py",
    "neighbours": "loadtests/bad_neighbours.py",
    "pages": "loadtests/page_times.py",
    "pythons": "tests/pythons.py",
    "ranges": "tests/ranges.py",
    "same": "loadtests/same.py",
    "screenshots": "tests/screenshots.py",
    "streams": "loadtests/streams.py",
    "writer": "loadtests/writer_cost.py",
    "typed": "tests/test_typed_docs.py",
    "wheel": "tests/wheel.py",
    "year": "loadtests/growth.py",
}
"""Scripts with a verdict of their own, and the file that each becomes."""
OTHERS = {
    "check",
    "chromium",
    "coverage",
    "demo",
    "lock",
    "pooler",
    "redis",
    "security",
    "serve",
    "setup",
    "test",
    "test-long",
}
"""Scripts that become another program: ruff and its like, `mocklend` itself, uv, apt-get, pytest."""
LEAVING = {"exit", "_exit", "quit", "SystemExit", "Exit"}


def sources() -> list[Path]:
    """Every file of Python that a tool is made of."""
    files = [path for root in ("platform", "faults", "loadtests", "examples") for path in (ROOT / root).rglob("*.py")]
    scripts = [path for path in (ROOT / "scripts").iterdir() if path.is_file() and "python" in path.read_text()[:40]]
    return [
        *files,
        *scripts,
        ROOT / "scripts/_boot.py",
        ROOT / "tests/one_place.py",
        *(ROOT / file for file in TOOLS.values() if file.startswith("tests/")),
    ]


def leaves_with_a_number(source: str) -> list[str]:
    """Each place in a file that leaves the process with a number that has no name."""
    complaints: list[str] = []
    if "xit" not in source and "def main" not in source:
        return complaints
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in LEAVING:
            values: list[ast.expr] = [*node.args, *(keyword.value for keyword in node.keywords)]
        elif isinstance(node, ast.FunctionDef) and node.name == "main":
            values = [item.value for item in ast.walk(node) if isinstance(item, ast.Return) and item.value is not None]
        else:
            continue
        spread = [
            part
            for value in values
            for part in ([value.body, value.orelse] if isinstance(value, ast.IfExp) else [value])
        ]
        complaints += [
            ast.unparse(node)[:80] for item in spread if isinstance(item, ast.Constant | ast.UnaryOp | ast.Compare)
        ]
    return complaints


# --- the table ---


def test_the_exit_codes_are_the_documented_ones() -> None:
    assert {code.name: int(code) for code in ExitCode} == {"PASS": 0, "FAIL": 1, "WRONG_USE": 2, "INCONCLUSIVE": 3}
    assert set(MEANINGS) == set(ExitCode)


def test_the_scripts_that_make_the_environment_know_the_same_numbers() -> None:
    assert (_boot.PASS, _boot.FAIL, _boot.WRONG_USE) == (ExitCode.PASS, ExitCode.FAIL, ExitCode.WRONG_USE)


def test_no_tool_leaves_with_a_number_that_has_no_name() -> None:
    complaints = {
        str(path.relative_to(ROOT)): leaves_with_a_number(path.read_text(encoding="utf-8")) for path in sources()
    }

    assert {name: places for name, places in complaints.items() if places} == {}


def test_every_tool_is_checked() -> None:
    assert {ROOT / file for file in TOOLS.values()} <= set(sources())


@pytest.mark.parametrize(
    "planted",
    [
        "sys.exit(2)",
        "raise typer.Exit(1)",
        "raise typer.Exit(code=5)",
        "raise SystemExit('no')",
        "os._exit(3)",
        "sys.exit(0 if well else ExitCode.FAIL)",
        "sys.exit(-1)",
        "sys.exit(left > 0)",
        "def main():\n    return 1",
        "def main():\n    return ExitCode.PASS if well else 4",
    ],
)
def test_a_number_without_a_name_would_be_found(planted: str) -> None:
    assert leaves_with_a_number(planted)


def test_no_page_calls_inconclusive_by_another_number() -> None:
    other = re.compile(r"\b[0124-9] \(?`?INCONCLUSIVE|\| [0124-9] \| `INCONCLUSIVE|\b[0124-9] (?:for|on) INCONCLUSIVE")

    pages = [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]

    assert [str(page) for page in pages if other.search(page.read_text(encoding="utf-8"))] == []


# --- wrong use ---


def leaves(run: Callable[[], object]) -> object:
    """What it exits with, or returns to the code that exits with it."""
    try:
        return run()
    except SystemExit as left:
        return left.code


def test_every_script_is_either_a_tool_or_becomes_another_program() -> None:
    scripts = {path.name for path in (ROOT / "scripts").iterdir() if path.is_file() and not path.suffix}

    assert scripts == TOOLS.keys() | OTHERS
    for script, file in TOOLS.items():
        assert f'_boot.become("{file}")' in (ROOT / "scripts" / script).read_text()


def a_tool(script: str) -> ModuleType:
    # By its file: two of them are called run.py.
    spec = spec_from_file_location(f"tool_{script}", ROOT / TOOLS[script])
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("script", TOOLS)
def test_a_script_with_an_unknown_argument_exits_with_2(script: str) -> None:
    assert leaves(lambda: a_tool(script).main(["--no-such-thing"])) == ExitCode.WRONG_USE


@pytest.mark.parametrize(
    ("script", "arguments"),
    [
        ("crash", "--kills 0"),
        ("crash", "--kills many"),
        ("determinism", "--seeds 0"),
        ("determinism", "--first -1"),
        ("ground", "earthquake"),
        ("identity", "--steps 0"),
        ("identity", "--steps -5"),
        ("idle", "--starts 0"),
        ("idle", "--blocks -1"),
        ("idle", "--requests 0"),
        ("idle", "--rules 201"),
        ("latency", "--percent 101"),
        ("latency", "--percent nan"),
        ("latency", "--rate 0"),
        ("latency", "--seconds 0"),
        ("latency", "--turns 0"),
        ("latency", "--delay-ms 0"),
        ("load", "--users 0"),
        ("load", "--time 2h"),
        ("load", "--spawn-rate 0"),
        ("load", "--probability 2"),
        ("pages", "--loans 0"),
        ("same", "HEAD --seeds 0"),
        ("streams", "--streams 0"),
        ("streams", "--seconds 1"),
        ("streams", "--minutes -1"),
        ("writer", "HEAD --rounds 0"),
        ("typed", "docs/no-such-page.md"),
        ("year", "--loans 0"),
        ("year", "--loans ten"),
    ],
)
def test_an_invalid_number_is_refused_before_anything_starts(
    script: str, arguments: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert leaves(lambda: a_tool(script).main(arguments.split())) == ExitCode.WRONG_USE
    assert re.search("expected|known", capsys.readouterr().err)


def commands(group: TyperGroup | None = None, *before: str) -> Iterator[tuple[str, ...]]:
    """Every command that can be typed."""
    if group is None:
        command_line = typer.main.get_command(cli.app)
        assert isinstance(command_line, TyperGroup)
        group = command_line
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from commands(command, *before, name)
        else:
            yield (*before, name)


@pytest.mark.parametrize("command", list(commands()), ids=" ".join)
def test_a_command_with_an_unknown_argument_exits_with_2(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["mocklend", *command, "--no-such-thing", "--url"])
    # Some take flags that only the platform knows, so there has to be nobody who could be asked.
    monkeypatch.setenv("MOCKLEND_URL", "http://127.0.0.1:1")

    assert leaves(cli.main) == ExitCode.WRONG_USE


# --- stopped, and cut short ---


def test_a_command_that_is_interrupted_has_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mocklend.client.Client.audit", interrupted)
    monkeypatch.setattr(sys, "argv", ["mocklend", "audit"])

    assert leaves(cli.main) == ExitCode.INCONCLUSIVE


def _raises(failure: BaseException) -> Callable[[], ExitCode]:
    def work() -> ExitCode:
        raise failure

    return work


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (tool.NotRun("no such fault"), ExitCode.WRONG_USE),
        (tool.CutShort("the load ended early"), ExitCode.INCONCLUSIVE),
        (tool.Failed("it did not start after a kill"), ExitCode.FAIL),
        (KeyboardInterrupt(), ExitCode.INCONCLUSIVE),
        (requests.ConnectionError("refused"), ExitCode.INCONCLUSIVE),
        (ProblemError(503, {"code": "unavailable", "title": "Not now."}), ExitCode.INCONCLUSIVE),
        (ZeroDivisionError("a bug of ours"), ExitCode.INCONCLUSIVE),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_tool_that_cannot_finish_says_why_in_one_line(
    failure: BaseException, code: ExitCode, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tool.concluded(_raises(failure), as_json=False) == code

    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines()[-1].partition(": ")[2].startswith(f"{code.name}: ")
    assert ("Traceback" in printed.err) == isinstance(failure, ZeroDivisionError)


def test_a_tool_that_was_asked_for_json_says_why_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    tool.concluded(_raises(tool.CutShort("the load ended early")), as_json=True)

    assert '"verdict": "INCONCLUSIVE"' in capsys.readouterr().out


def test_sigterm_lets_a_tool_clean_up_and_is_no_verdict() -> None:
    cleaned = SimpleNamespace(up=False)
    before = signal.getsignal(signal.SIGTERM)

    def work() -> ExitCode:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            signal.pause()
        finally:
            cleaned.up = True
        return ExitCode.PASS

    assert tool.concluded(work, as_json=False) == ExitCode.INCONCLUSIVE
    assert cleaned.up
    assert signal.getsignal(signal.SIGTERM) == before
