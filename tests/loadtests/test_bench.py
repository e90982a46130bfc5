"""scripts/bench: medians and ratios, and what it needs. How fast the platform is, no test says."""

from __future__ import annotations

import html
import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import bench
import bench_audit
import bench_cases
import bench_growth
import bench_statements
import pytest
import sqlite_loop
import tool
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
    monkeypatch.setattr(bench, "CASES", {"repay": bench_cases.Case("repay", {"ruler": 2}, measure)})
    monkeypatch.setattr(shutil, "which", lambda program: f"/usr/bin/{program}")

    code = bench.main(["--only", "repay", "--json"])

    report = json.loads(capsys.readouterr().out)
    assert code is ExitCode.PASS
    assert {name: figure["per_s"] for name, figure in report["figures"].items()} == {"ruler": 200, "repay": 900}
    assert report["ratios"] == {"repay": {"ruler": 4.5}}
    assert report["goals"] == {"repay": {"ruler": 2}}


@pytest.fixture(autouse=True)
def no_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that measures a cost says which."""
    monkeypatch.setattr(bench, "COSTS", {})


def load(per_s: float) -> bench_cases.Measured:
    return {"per_s": per_s, "p50_ms": 1.0, "p99_ms": 2.0, "failed": 0}


def test_a_peer_is_a_ruler_only_where_it_is_asked_for_and_the_report_is_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    peers = {"mountebank": {"read": load(20), "write": load(50)}, "moto": {"read": load(10), "write": load(90)}}
    peers |= {"WireMock": {"read": load(5), "write": load(5)}, "json-server": {"read": load(1), "write": load(2)}}
    peers |= {"localstripe": {"read": load(1), "write": load(3)}}
    case = bench_cases.Case("repay", {bench_cases.PEER_DURABLE: 20, bench_cases.PEER_MEMORY: 1}, lambda _: load(180))
    monkeypatch.setattr(bench, "CASES", {"repay": case})
    monkeypatch.setattr(bench, "install", lambda: None)
    monkeypatch.setattr(shutil, "which", lambda program: f"/usr/bin/{program}")
    assert bench.main(["--rounds", "1"]) is ExitCode.PASS
    assert "best peer" not in capsys.readouterr().out

    monkeypatch.setattr(bench, "Bench", lambda *where: replace(bench_cases.Bench(*where), peers=dict(peers)))
    assert bench.main(["--rounds", "1", "--peers", "--out", str(tmp_path / "out")]) is ExitCode.PASS

    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert report["ratios"] == {"repay": {bench_cases.PEER_DURABLE: 60, bench_cases.PEER_MEMORY: 2}}
    assert report["peers"]["moto"]["write"]["per_s"] == 90
    assert "peer: json-server" in capsys.readouterr().out
    picture = (tmp_path / "out" / "ratios.svg").read_text(encoding="utf-8")
    assert f"repay / {html.escape(bench_cases.PEER_DURABLE, quote=False)}: 60.00" in picture
    assert "<script" not in picture


def test_an_answer_that_failed_fails_the_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing: bench_cases.Measured = {"per_s": 1.0, "p50_ms": 1.0, "p99_ms": 2.0, "failed": 1}
    monkeypatch.setattr(bench, "CASES", {"start": bench_cases.Case("start", {}, lambda _: failing)})
    monkeypatch.setattr(shutil, "which", lambda program: f"/usr/bin/{program}")

    code = bench.main(["--only", "start", "--rounds", "2"])

    assert code is ExitCode.FAIL
    assert capsys.readouterr().out.endswith("2 requests failed\n")


def test_without_wrk_nothing_is_measured(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(shutil, "which", lambda program: None)

    assert bench.main(["--only", "start"]) is ExitCode.WRONG_USE
    assert "apt-get install wrk" in capsys.readouterr().err


@pytest.mark.sqlite_only("the bench counts in a file of SQLite")
def test_what_is_on_the_books_counts_to_the_last_order(platform: Platform, story: Story) -> None:
    loan_id = story.borrow()
    for _ in range(3):
        story.repay(loan_id, 1_000)  # A wallet takes two seconds.
    story.order(loan_id, 1_000)
    database = platform.engine.url.database
    platform.close()
    booked = bench_cases.on_the_books(Path(str(database)), 5)
    assert booked == {"per_s": 3 / 5, "p50_ms": 2_000, "p99_ms": 2_000, "failed": 0}
    with pytest.raises(tool.CutShort, match="no repayment was booked"):
        bench_cases.on_the_books(Path(str(database)), 1)


def test_a_figure_says_how_far_due_work_was_behind(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    behind: bench_cases.Measured = {"per_s": 2.0, "p50_ms": 1.0, "p99_ms": 2.0, "failed": 0, "behind_s": 4.25}
    monkeypatch.setattr(bench, "CASES", {"through": bench_cases.Case("through", {}, lambda _: behind)})
    monkeypatch.setattr(shutil, "which", lambda program: f"/usr/bin/{program}")
    assert bench.main(["--only", "through", "--rounds", "1"]) is ExitCode.PASS
    assert "4.2 s behind at the end" in capsys.readouterr().out


@pytest.mark.sqlite_only("the loop is one on SQLite")
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


def test_statements_are_counted_by_group_and_bytes_by_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bench_statements, "TOGETHER", 4)

    written = bench_statements.written(tmp_path)

    assert {kind: each["commands"] for kind, each in written.items()} == dict.fromkeys(
        ("borrow", "repay", "settlement", "callback with booking"), 16
    )
    # One statement to begin, one for the sandbox, one for each kind of row that is read, one for each that is written,
    # and one that notes what has changed: an order reads its key and its loan, and writes itself, its trade and its key.
    assert written["repay"]["statements"] == 8
    assert written["callback with booking"]["bytes"] > written["repay"]["bytes"] > 1_000


def test_what_an_operation_costs_is_measured_at_each_size_of_one_sandbox(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(bench_growth, "READS", 10)
    monkeypatch.setattr(bench_growth, "WRITES", 8)
    monkeypatch.setattr(bench_growth, "TOGETHER", 4)

    costs = list(bench_growth.growth(tmp_path, [30, 12]))

    assert [cost["loans"] for cost in costs] == [12, 30]
    assert all(min(cost["status_us"], cost["repay_us"], cost["borrow_us"]) > 0 for cost in costs)
    with sqlite3.connect(tmp_path / "growth.db") as database:
        [[loans, orders]] = database.execute("SELECT (SELECT COUNT(*) FROM loans), (SELECT COUNT(*) FROM repayments)")
    assert (loans, orders) == (30 + 2 * (4 + 8), 2 * 2 * 8)


def test_an_audit_is_measured_beside_its_rows_and_after_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_audit, "CHANGES", 2)
    place = bench_cases.Bench(tmp_path, seconds=1, connections=1, loans=5)

    scan, audit, again = bench_cases.scan(place), bench_cases.audit(place), bench_cases.audit_since(place)

    assert all(figure["per_s"] > 0 and not figure["failed"] for figure in (scan, audit, again))
    with (
        closing(Platform(str(tmp_path / "audited.sqlite"))) as platform,
        platform.snapshot(bench_audit.SANDBOX) as snapshot,
    ):
        assert snapshot.number("SELECT COUNT(*) FROM repayments WHERE sandbox_id = :sandbox_id") == 5 + 2
