"""The load test as a command: a short one really runs, and what cannot be run is refused in words."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from run import duration_s

ROOT = Path(__file__).resolve().parents[2]
HAS_LOCUST = importlib.util.find_spec("locust") is not None
needs_locust = pytest.mark.skipif(
    not HAS_LOCUST and not os.environ.get("CI"), reason="locust, the extra `load`, is not installed"
)


def run(*options: str) -> subprocess.CompletedProcess[str]:
    """The command, as a user starts it."""
    command = [sys.executable, str(ROOT / "loadtests" / "run.py"), *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


@needs_locust
def test_five_people_for_five_seconds_and_the_judge_is_content() -> None:
    done = run("--users", "5", "--time", "5s", "--speed", "1200", "--think-ms", "50", "--json")

    document = json.loads(done.stdout)
    assert (document["verdict"], done.returncode) == ("PASS", 0), document["reasons"]
    assert document["requests"] > 50
    figures = ("unexplained_failures", "unexplained_discrepancies", "unobserved_injections")
    assert [document[name] for name in figures] == [0, 0, 0]
    assert document["injections"] == sum(document["injections_by_fault"].values())
    assert document["broken_invariants"] == {}
    assert {"operation", "requests", "failures", "per_s", "p50_ms", "p95_ms", "p99_ms"} <= set(
        document["operations"][0]
    )


@needs_locust
def test_a_fault_of_the_answer_itself_is_refused_in_words() -> None:
    done = run("--time", "1s", "--faults", "cache.bounded_stale,transport.abort")

    assert done.returncode == 2
    assert "transport.abort: nobody here asks again" in done.stderr


@needs_locust
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--users", "501"), "expected 1 to 500"),
        (("--time", "2h"), "expected 1s to 1h"),
        (("--probability", "1.5"), "expected a number from 0 to 1"),
        (("--users", "many"), "expected 1 to 500"),
    ],
)
def test_what_is_out_of_bounds_is_refused_before_anything_starts(options: tuple[str, ...], said: str) -> None:
    done = run(*options)

    assert done.returncode == 2
    assert said in done.stderr


@pytest.mark.parametrize(("text", "seconds"), [("60", 60), ("60s", 60), ("5m", 300), ("1h", 3600)])
def test_a_duration_is_read_as_people_write_it(text: str, seconds: int) -> None:
    assert duration_s(text) == seconds


@pytest.mark.parametrize("text", ["0s", "61m", "-5s", "1d", "", "5 s", "1.5m"])
def test_a_duration_that_cannot_be_run_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="expected 1s to 1h"):
        duration_s(text)
