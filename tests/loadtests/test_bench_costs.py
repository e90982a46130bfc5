"""scripts/bench: what has no ruler is a cost, whose figure is the least of the rounds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import bench
import bench_cases
import bench_costs
import pytest
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
