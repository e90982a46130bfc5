"""scripts/latency: what it counts, and that it measures a server of its own."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any, cast

import latency
import pytest
from line import Line


def test_the_others_are_those_that_no_fault_has_delayed() -> None:
    asked = latency.Asked([3.0, 5_004.0, 1.0, 2.0])

    assert asked.others(5_000) == [1.0, 2.0, 3.0]


def test_the_peak_counts_what_all_clients_got(monkeypatch: pytest.MonkeyPatch) -> None:
    class Willing:
        asked = 0

        async def ask(self, request: bytes) -> int:
            self.asked += 1
            await asyncio.sleep(0)
            return 200

    line, moments = Willing(), itertools.count()
    monkeypatch.setattr(latency.time, "perf_counter", lambda: next(moments) / 100)

    peak = asyncio.run(latency.peak(cast(Line, line), [b""], clients=4, seconds=1))

    assert peak == line.asked > 90


@pytest.mark.parametrize(("share", "found"), [(0.5, 51), (0.99, 100), (1.0, 100)])
def test_a_percentile_is_one_of_the_times(share: float, found: int) -> None:
    assert latency.percentile(list(range(1, 101)), share) == found
    assert latency.percentile([], share) == 0


def test_it_measures_both_ways_in_one_run(capsys: pytest.CaptureFixture[str]) -> None:
    short = ["--rate", "20", "--seconds", "1", "--turns", "1", "--percent", "30", "--delay-ms", "700", "--json"]

    latency.main(short)

    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert (found["failed"], found["late"] > 0, found["rate_per_s"]) == (0, True, 20)
    assert found["honest_p99_ms"] > 0
    assert found["ratio"] == pytest.approx(
        found["others_p99_ms"] / found["honest_p99_ms"], rel=0.05
    )  # The figures are rounded.
