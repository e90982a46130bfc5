"""scripts/bench: what has no ruler is a cost, whose figure is the least of the rounds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import bench
import bench_cases
import bench_costs
import bench_long
import pytest
import tool
import wrk

from mocklend.exit_codes import ExitCode


def test_a_cost_is_the_least_of_its_rounds_beside_its_goal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spent = iter([0.75, 0.5, 0.625] * 2)
    cost = bench_costs.Cost("new sandbox", "ms of CPU", 0.8, lambda _: next(spent))
    monkeypatch.setattr(bench, "COSTS", {"sandbox": cost})
    monkeypatch.setattr(shutil, "which", lambda program: f"/usr/bin/{program}")

    assert bench.main(["--only", "sandbox"]) is ExitCode.PASS
    assert capsys.readouterr().out.splitlines()[:2] == [
        "cost                                                least     goal",
        "new sandbox                                         0.500     0.80  ms of CPU",
    ]
    assert bench.main(["--only", "sandbox", "--json"]) is ExitCode.PASS
    costs = json.loads(capsys.readouterr().out)["costs"]
    assert costs == {
        "sandbox": {
            "title": "new sandbox",
            "unit": "ms of CPU",
            "least": 0.5,
            "goal": 0.8,
            "rounds": [0.75, 0.5, 0.625],
        }
    }


@pytest.mark.long
def test_the_costs_of_sandboxes_and_memory_are_measured_on_a_server(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(bench_costs, "REPEATED", 5)
    monkeypatch.setattr(bench_costs, "OTHERS", 3)
    monkeypatch.setattr(bench_costs, "CLOCKS", 3)
    monkeypatch.setattr(bench_costs, "IDLE_S", 0.5)
    monkeypatch.setattr(bench_costs, "SETTLED_S", 0.1)
    monkeypatch.setattr(wrk, "SERVER_CORE", None)
    where = bench_cases.Bench(tmp_path, 1, 4, 5)

    figures = {name: cost.measure(where) for name, cost in bench_costs.COSTS.items() if name != "memory-burst"}

    assert all(0 < figure < 1_000 for figure in figures.values())


def test_what_takes_long_is_measured_once_and_where_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spent = iter([2.5, 1.5])
    monkeypatch.setattr(bench, "COSTS", {})
    monkeypatch.setattr(bench, "CASES", {})
    monkeypatch.setattr(
        bench, "LONG_COSTS", {"open": bench_costs.Cost("oldest due work", "s", 1.0, lambda _: next(spent))}
    )
    monkeypatch.setattr(shutil, "which", lambda program: f"/usr/bin/{program}")

    assert bench.main(["--rounds", "3"]) is ExitCode.PASS
    assert "oldest due work" not in capsys.readouterr().out
    assert bench.main(["--rounds", "3", "--long"]) is ExitCode.PASS
    assert capsys.readouterr().out.splitlines()[1] == (
        "oldest due work                                     2.500     1.00  s"
    )


def test_a_long_load_that_is_not_answered_is_no_figure() -> None:
    answered, failed = (wrk.Load(per_s=9, p50_ms=1, p99_ms=2, requests=9, failed=count) for count in (0, 2))

    assert bench_long._sampled(lambda: 3.5, lambda: answered)[0] == 3.5
    with pytest.raises(tool.CutShort, match="2 of 9 requests"):
        bench_long._sampled(lambda: 3.5, lambda: answered, lambda: failed)


@pytest.mark.long
def test_due_work_and_memory_are_watched_under_an_open_load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(wrk, "SERVER_CORE", None)
    monkeypatch.setattr(bench_long, "OPEN_PER_S", 40)
    monkeypatch.setattr(bench_long, "CONNECTIONS", 8)
    for name in ("OPEN_S", "WARM_S", "LASTING_S"):
        monkeypatch.setattr(bench_long, name, 1)
    where = bench_cases.Bench(tmp_path, 1, 4, 5)

    figures = {name: cost.measure(where) for name, cost in bench_long.LONG_COSTS.items()}

    assert 0 <= figures["open"] < 30
    assert abs(figures["memory-lasting"]) < 100
