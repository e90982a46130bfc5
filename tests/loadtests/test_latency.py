"""scripts/latency: its arithmetic, and a short run."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from typing import Any, cast

import latency
import pytest
from raw_client import RawClient


def test_the_others_are_those_that_no_fault_has_delayed() -> None:
    requests = latency.TurnTimings([3.0, 5_004.0, 1.0, 2.0])

    assert requests.others(5_000) == [1.0, 2.0, 3.0]


def test_the_peak_counts_what_all_clients_got(monkeypatch: pytest.MonkeyPatch) -> None:
    class Willing:
        asked = 0

        async def ask(self, request: bytes) -> int:
            self.asked += 1
            await asyncio.sleep(0)
            return 200

    line, moments = Willing(), itertools.count()
    monkeypatch.setattr(time, "perf_counter", lambda: next(moments) / 100)

    peak = asyncio.run(latency.peak(cast(RawClient, line), [b""], clients=4, seconds=1))

    assert peak == line.asked > 90


@pytest.mark.parametrize(("share", "expected_ms"), [(0.5, 51), (0.99, 100), (1.0, 100)])
def test_a_percentile_is_one_of_the_times(share: float, expected_ms: int) -> None:
    assert latency.percentile(list(range(1, 101)), share) == expected_ms
    assert latency.percentile([], share) == 0


@pytest.mark.long
def test_it_measures_both_ways_in_one_run(capsys: pytest.CaptureFixture[str]) -> None:
    short = ["--rate", "20", "--seconds", "1", "--turns", "1", "--percent", "30", "--delay-ms", "700", "--json"]

    latency.main(short)

    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    # How long the others took is the machine's business, and no claim of a test.
    assert (report["failed"], report["late"] > 0, report["rate_per_s"]) == (0, True, 20)
    assert report["verdict"] in ("PASS", "FAIL", "INCONCLUSIVE")


SLOW_MS = 5_000


def turn(*took_ms: float, failed: int = 0) -> latency.TurnTimings:
    return latency.TurnTimings(list(took_ms), failed)


@pytest.mark.parametrize(
    ("without", "with_fault", "ratio", "verdict"),
    [
        (turn(1.04, 2.0), turn(2.0, 3.99, 5_001.0), 2.0, "FAIL"),  # 3.99 / 2.0, as it is shown.
        (turn(1.04, 2.0), turn(2.0, 3.9, 5_001.0), 1.95, "PASS"),
        (turn(0.04), turn(0.06, 6_000.0), 1.5, "PASS"),  # Both are shown as 0.0 and 0.1 ms.
        (turn(1.0), turn(1.0, failed=1), 1.0, "FAIL"),
        (turn(1.0, failed=1), turn(1.0), 1.0, "INCONCLUSIVE"),
        (turn(5_000.0), turn(1.0), 0.0, "INCONCLUSIVE"),
    ],
)
def test_the_ratio_is_that_of_unrounded_times(
    without: latency.TurnTimings, with_fault: latency.TurnTimings, ratio: float, verdict: str
) -> None:
    report = latency.compared([without], [with_fault], SLOW_MS)

    assert (report["ratio"], report["verdict"]) == (ratio, verdict)
    assert report["late"] == sum(took >= SLOW_MS for took in with_fault.took_ms)
    assert report["failed"] == without.failed + with_fault.failed


def test_the_turns_of_a_side_are_combined_before_they_are_compared() -> None:
    report = latency.compared([turn(1.0), turn(3.0)], [turn(2.0), turn(4.5, 7_000.0)], SLOW_MS)

    assert (report["honest_p99_ms"], report["others_p99_ms"], report["ratio"]) == (3.0, 4.5, 1.5)
