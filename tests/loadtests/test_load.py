"""scripts/load: a short run, and options that are refused in words."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import requests
from generator import progress_line
from load import duration_s
from watching import has_screen, live_address, show_live

from mocklend.reports.plots import shown
from support.report_file import ReportFile

ROOT = Path(__file__).resolve().parents[2]
HAS_LOCUST = importlib.util.find_spec("locust") is not None
needs_locust = pytest.mark.skipif(
    not HAS_LOCUST and not os.environ.get("CI"), reason="locust, the extra `load`, is not installed"
)


def run(*options: str) -> subprocess.CompletedProcess[str]:
    """The command, as a user starts it."""
    command = [sys.executable, str(ROOT / "loadtests" / "load.py"), *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


@pytest.mark.long
@needs_locust
def test_a_load_of_five_users_for_five_seconds_passes_and_its_report_has_its_figures(tmp_path: Path) -> None:
    quick = ("--users", "5", "--time", "5s", "--speed", "1200", "--think-ms", "50", "--json")
    done = run(*quick, "--report", str(tmp_path / "load.html"), "--language", "zh")

    document = json.loads(done.stdout)
    assert (document["verdict"], done.returncode) == ("PASS", 0), document["reasons"]
    assert document["requests"] > 50
    figures = ("unexplained_failures", "unexplained_discrepancies", "unobserved_injections")
    assert [document[name] for name in figures] == [0, 0, 0]
    assert document["injections"] == sum(document["injections_by_fault"].values())
    assert document["broken_invariants"] == {}
    cells = ("requests", "failures", "per_s", "p50_ms", "p95_ms", "p99_ms")
    file = ReportFile((tmp_path / "load.html").read_text(encoding="utf-8"))
    operations = [*document["operations"], document["total"]]
    assert file.tables["operations"] == [
        [operation["operation"], *(shown(operation[name]) for name in cells)] for operation in operations
    ]
    assert file.figures["requests in all"] == shown(document["requests"])
    assert file.figures["requests per second"] == shown(document["rate_per_s"])
    assert file.figures["discrepancies in the end"] == shown(document["discrepancies"])
    assert file.figures["invariants that hold"] == shown(document["invariants"])
    assert file.document["verdict"]["outcome"] == document["verdict"]
    assert file.fields["command"].startswith("scripts/load --users 5 --time 5s --spawn-rate 1 --seed 7")
    assert sum(int(row[1]) for row in file.tables["requests"]) > document["requests"] / 2
    assert {rule["fault"] for rule in file.document["truth"]["rules"]} == set(document["armed"])
    assert file.references == []


@pytest.mark.long
@needs_locust
def test_a_load_on_two_processes_and_postgresql_passes() -> None:
    quick = ("--users", "5", "--time", "5s", "--speed", "1200", "--think-ms", "50", "--json")

    done = run(*quick, "--engine", "postgresql", "--workers", "2")

    document = json.loads(done.stdout)
    assert (document["verdict"], done.returncode) == ("PASS", 0), document["reasons"]
    assert (document["engine"], document["workers"]) == ("postgresql", 2)


@needs_locust
def test_a_fault_of_the_answer_itself_is_refused_in_words() -> None:
    done = run("--time", "1s", "--faults", "cache.bounded_stale,transport.abort")

    assert done.returncode == 2
    assert "transport.abort: these users do not repeat" in done.stderr


@needs_locust
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--users", "2001"), "expected 1 to 2000"),
        (("--time", "2h"), "expected 1s to 1h"),
        (("--probability", "1.5"), "expected a number from 0 to 1"),
        (("--users", "many"), "expected 1 to 2000"),
        (("--workers", "2"), "several processes need PostgreSQL"),
        (("--report", "/nowhere/report.html"), "there is no folder /nowhere"),
        (("--report", "/"), "it is a folder"),
        (("--report", "x" * 300), "File name too long"),
        (("--language", "fr"), "invalid Language value: 'fr'"),
    ],
)
def test_an_option_out_of_bounds_is_refused_before_anything_starts(options: tuple[str, ...], message: str) -> None:
    done = run(*options)

    assert done.returncode == 2
    assert message in done.stderr


@pytest.mark.parametrize(("text", "seconds"), [("60", 60), ("60s", 60), ("5m", 300), ("1h", 3600)])
def test_a_duration_is_read_as_people_write_it(text: str, seconds: int) -> None:
    assert duration_s(text) == seconds


@pytest.mark.parametrize("text", ["0s", "61m", "-5s", "1d", "", "5 s", "1.5m"])
def test_a_duration_that_cannot_be_run_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="expected 1s to 1h"):
        duration_s(text)


# --- a run that is interrupted ---

QUICK = ("--users", "3", "--time", "60s", "--speed", "3600", "--think-ms", "50", "--faults", "none")


def struck_while_on(strike: Callable[[psutil.Process], None]) -> tuple[int, str, str]:
    """A run of a minute to which something happens as soon as its load is on: exit code, output, progress."""
    command = [sys.executable, str(ROOT / "loadtests" / "load.py"), *QUICK]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        verdicts = []
        for line in process.stderr:
            verdicts.append(line)
            if re.search(r"s: 3 users, [1-9]", line):
                strike(psutil.Process(process.pid))
                break
        out, rest = process.communicate(timeout=100)
        return process.returncode, out, "".join(verdicts) + rest


def child_of(run: psutil.Process, name: str) -> psutil.Process:
    """The load's process, or the server's."""
    [child] = [child for child in run.children() if name in child.cmdline()]
    return child


@pytest.mark.long
@needs_locust
@pytest.mark.parametrize(
    ("number", "message"), [(signal.SIGTERM, "told to stop after"), (signal.SIGKILL, "by SIGKILL")]
)
def test_a_load_that_is_ended_half_way_has_no_verdict(number: signal.Signals, message: str) -> None:
    code, out, _ = struck_while_on(lambda run: child_of(run, "locust").send_signal(number))

    assert (code, out.splitlines()[-1]) == (3, "INCONCLUSIVE")
    [why] = [line for line in out.splitlines() if line.startswith("INCONCLUSIVE: ")]
    assert "cut short" in why
    assert message in why


@pytest.mark.long
@needs_locust
@pytest.mark.parametrize(
    ("number", "code", "verdict"), [(signal.SIGKILL, 3, "INCONCLUSIVE"), (signal.SIGABRT, 1, "FAIL")]
)
def test_a_server_that_ends_early_ends_the_run_with_one_line(number: signal.Signals, code: int, verdict: str) -> None:
    left, out, progress = struck_while_on(lambda run: child_of(run, "serve").send_signal(number))

    assert (left, out) == (code, "")
    assert f"{verdict}: the server ended before the run: it was ended by {number.name}" in progress
    assert "Traceback" not in progress


@pytest.mark.long
@needs_locust
def test_a_run_that_is_stopped_has_no_verdict_and_leaves_no_process() -> None:
    family: list[psutil.Process] = []

    def stop(run: psutil.Process) -> None:
        family.extend(run.children(recursive=True))
        run.send_signal(signal.SIGTERM)

    code, _, progress = struck_while_on(stop)

    assert code == 3
    assert "INCONCLUSIVE: it was interrupted before it had a verdict" in progress
    gone, left = psutil.wait_procs(family, timeout=20)
    assert (len(gone) >= 2, left) == (True, [])


@pytest.mark.long
@needs_locust
def test_a_requested_fault_without_an_injection_is_not_a_pass() -> None:
    quick = ("--users", "3", "--time", "3s", "--speed", "3600", "--think-ms", "50")

    done = run(*quick, "--faults", "operator.wrong_amount", "--probability", "0", "--json")

    document = json.loads(done.stdout)
    assert (document["verdict"], done.returncode) == ("INCONCLUSIVE", 3)
    assert document["reasons"] == ["armed without an injection: operator.wrong_amount"]


def test_the_progress_of_a_load_is_one_line() -> None:
    figures = {"users": 50, "requests": 1_200, "per_s": 310, "failures": 2}

    assert progress_line(4.2, {}, None) == "4 s: the load is about to begin"
    assert progress_line(6.0, figures, None) == "6 s: 50 users, 1200 requests, 310 per second, 2 failures"
    assert progress_line(8.1, figures, 31).endswith(", 2 failures, 31 injections")


# --- a run that is watched ---


@pytest.mark.long
@needs_locust
def test_a_load_that_is_watched_prints_the_address_of_its_page_which_moves() -> None:
    command = [sys.executable, str(ROOT / "loadtests" / "load.py"), *QUICK, "--console"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        totals = []
        address = ""
        for line in process.stderr:
            if said := re.search(r"console: (http://127\.0\.0\.1:\d+/console/(\w+)/live)\?window=all$", line):
                address, sandbox_id = said[1], said[2]
                page = requests.get(address, timeout=10)
                assert page.status_code == 200
                assert f'data-rows="/console/{sandbox_id}/live/rows"' in page.text
            elif re.search(r"s: 3 users, [1-9]", line):
                assert address, "the address comes before the load"
                rows = requests.get(f"{address}/rows", timeout=10).json()["rows"]
                totals.append(sum(row["requests"][0] for row in rows))
                if len(totals) == 2:
                    process.send_signal(signal.SIGTERM)
                    break
        process.communicate(timeout=100)

    assert 0 < totals[0] < totals[1]


@pytest.mark.parametrize(
    ("at_terminal", "screen", "opened"), [(True, ":0", True), (True, "", False), (False, ":0", False)]
)
def test_a_browser_opens_for_somebody_at_a_terminal_with_a_screen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], at_terminal: bool, screen: str, opened: bool
) -> None:
    asked: list[str] = []

    def open_browser(address: str) -> bool:
        asked.append(address)
        return True

    monkeypatch.setattr("watching.webbrowser.open", open_browser)
    monkeypatch.setattr("watching.sys.platform", "linux")
    monkeypatch.setenv("DISPLAY", screen)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    address = live_address("http://127.0.0.1:1", "sbx_a")

    assert show_live(address, at_terminal=at_terminal) is opened
    assert asked == ([address] if opened else [])
    assert f"console: {address}" in capsys.readouterr().err


def test_macos_has_a_screen_without_saying_so() -> None:
    assert has_screen({}, "darwin")
    assert has_screen({"WAYLAND_DISPLAY": "wayland-0"}, "linux")
    assert not has_screen({}, "linux")
