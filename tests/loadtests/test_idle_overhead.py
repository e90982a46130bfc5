"""scripts/idle: its arithmetic, its verdicts, and that its servers differ in the fault layer only."""

from __future__ import annotations

import json
from pathlib import Path

import idle_overhead
import pytest
from server import Server

from mocklend.client import Client, ProblemError
from mocklend.exit_codes import ExitCode


def block(without_s: float, idle_s: float, rules_s: float) -> dict[str, idle_overhead.Turn]:
    return {
        name: idle_overhead.Turn(wall_s=seconds, cpu_s=seconds / 2)
        for name, seconds in zip(idle_overhead.VARIANTS, (without_s, idle_s, rules_s), strict=True)
    }


def report_of(
    *blocks: dict[str, idle_overhead.Turn], evaluated: int = 100, matched: int = 0
) -> idle_overhead.OverheadReport:
    return idle_overhead.Measurements(requests=10, blocks=list(blocks), evaluated=evaluated, matched=matched).to_json()


def test_below_six_values_the_interval_is_all_of_them() -> None:
    assert idle_overhead.ratio([0.9, 1.0, 1.3, 1.1, 0.8]) == idle_overhead.Ratio(1.0, 0.8, 1.3)


def test_the_interval_narrows_with_the_number_of_values() -> None:
    assert idle_overhead.ratio(range(6)) == idle_overhead.Ratio(
        2.5, 0, 5
    )  # The smallest and the largest: 2 in 64 is below 5 %.
    assert idle_overhead.ratio(range(20)) == idle_overhead.Ratio(9.5, 5, 14)  # As the tables of the sign test have it.


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.98, 1.1, ExitCode.PASS), (0.9, 0.97, ExitCode.FAIL), (0.97, 0.99, ExitCode.INCONCLUSIVE)],
)
def test_a_verdict_needs_the_whole_interval_on_one_side(low: float, high: float, verdict: ExitCode) -> None:
    assert idle_overhead.Ratio((low + high) / 2, low, high).verdict(0.98) == verdict


def test_the_same_work_in_twice_the_time_is_half_the_throughput() -> None:
    report = report_of(*[block(1.0, 2.0, 2.0)] * 8)

    [with_package, with_rules] = report["compared"]
    assert (with_package["throughput"]["median"], with_package["verdict"]) == (0.5, "FAIL")
    assert (with_rules["throughput"]["median"], with_rules["verdict"]) == (1.0, "PASS")
    assert report["verdict"] == "FAIL"
    assert report["requests_per_s"] == {"without": 20, "idle": 10, "rules": 10}
    assert report["cpu_us_per_request"] == {"without": 25_000, "idle": 50_000, "rules": 50_000}


def test_equal_times_pass() -> None:
    assert report_of(*[block(1.0, 1.0, 1.0)] * 8)["verdict"] == "PASS"


@pytest.mark.parametrize("counts", [{"evaluated": 0}, {"matched": 1}])
def test_rules_that_were_not_evaluated_or_that_matched_are_inconclusive(counts: dict[str, int]) -> None:
    assert report_of(*[block(1.0, 1.0, 1.0)] * 8, **counts)["verdict"] == "INCONCLUSIVE"


def test_the_fault_package_can_be_hidden_from_a_server(tmp_path: Path) -> None:
    server = Server(str(tmp_path / "a.db"), tmp_path / "a.log", without=idle_overhead.PACKAGE)
    try:
        with Client(server.url) as client:
            assert client.products()
            with pytest.raises(ProblemError) as refused:
                client.rules()
    finally:
        server.stop()

    assert refused.value.status == 404


@pytest.mark.long
def test_all_three_servers_get_the_same_requests_and_no_rule_matches(capsys: pytest.CaptureFixture[str]) -> None:
    idle_overhead.main(["--starts", "1", "--blocks", "1", "--requests", "10", "--json"])

    report = json.loads(capsys.readouterr().out)
    assert (report["blocks"], report["failed"], report["rules"]["matched"]) == (1, 0, 0)
    assert report["rules"]["evaluated"] > 0
    assert all(report["cpu_us_per_request"].values())
