"""scripts/bench: medians and ratios, and what it needs. How fast the platform is, no test says."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import bench
import bench_cases
import pytest
import sqlite_loop
import wrk

from mocklend.exit_codes import ExitCode
from mocklend.runtime import Platform
from support.story import Story


def test_a_figure_is_the_median_of_its_rounds_and_its_ratio_that_of_the_medians(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    speeds = iter([100.0, 900.0, 200.0, 1_000.0, 300.0, 800.0])

    def measure(_: bench_cases.Bench) -> bench_cases.Measured:
        return {"per_s": next(speeds), "p50_ms": 1.0, "p99_ms": 2.0, "failed": 0}

    monkeypatch.setattr(bench, "RULERS", {"ruler": measure})
    monkeypatch.setattr(bench, "CASES", {"repay": bench_cases.Case("repay", "ruler", measure)})
    monkeypatch.setattr(shutil, "which", lambda program: f"/usr/bin/{program}")

    code = bench.main(["--only", "repay", "--json"])

    report = json.loads(capsys.readouterr().out)
    assert code is ExitCode.PASS
    assert {name: figure["per_s"] for name, figure in report["figures"].items()} == {"ruler": 200, "repay": 900}
    assert report["ratios"] == {"repay": 4.5}


def test_an_answer_that_failed_fails_the_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing: bench_cases.Measured = {"per_s": 1.0, "p50_ms": 1.0, "p99_ms": 2.0, "failed": 1}
    monkeypatch.setattr(bench, "CASES", {"start": bench_cases.Case("start", None, lambda _: failing)})
    monkeypatch.setattr(shutil, "which", lambda program: f"/usr/bin/{program}")

    code = bench.main(["--only", "start", "--rounds", "2"])

    assert code is ExitCode.FAIL
    assert capsys.readouterr().out.endswith("2 requests failed\n")


def test_without_wrk_nothing_is_measured(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(shutil, "which", lambda program: None)

    assert bench.main(["--only", "start"]) is ExitCode.WRONG_USE
    assert "apt-get install wrk" in capsys.readouterr().err


def test_the_loop_inserts_the_rows_of_a_repayment(platform: Platform, story: Story) -> None:
    story.order(story.borrow(), 1_000)
    database = str(platform.engine.url.database)

    per_s = sqlite_loop.main(database, 0.05)

    with platform.read() as connection:
        [[count, loans]] = connection.exec_driver_sql("SELECT COUNT(*), COUNT(DISTINCT loan_id) FROM repayments")
    assert per_s > 0
    assert count > 1
    assert loans == 1


def test_the_generator_is_told_what_to_send(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "wrk"
    program.write_text(
        "#!/bin/sh\n"
        'for word; do last="$word"; done\n'
        'echo "Running 1s test"\n'
        'echo "{\\"per_s\\": 5.5, \\"p50_ms\\": 1, \\"p99_ms\\": 2, \\"requests\\": 6, \\"failed\\": ${#last}}"\n'
    )
    program.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    sent = wrk.load("http://127.0.0.1:1", ["/a"], connections=1, seconds=1, method="POST", body={"a": 1})

    assert sent == wrk.Load(5.5, 1, 2, 6, len('{"a": 1}'))
