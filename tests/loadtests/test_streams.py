"""scripts/streams: its arithmetic, what a reader counts, and a short run."""

from __future__ import annotations

import json
from typing import Any

import pytest
import streams

from mocklend.exit_codes import ExitCode
from mocklend.machine_clock import wall_ns


def side(*p95_ms: float, failed: int = 0) -> streams.Side:
    return streams.Side(list(p95_ms), failed)


@pytest.mark.parametrize(
    ("without", "with_streams", "behind_s", "ratio", "verdict"),
    [
        (side(1.0, 1.0, 1.0), side(1.1, 1.1, 9.0), 1.2, 1.1, "PASS"),
        (side(1.0, 1.0, 1.0), side(1.2, 1.2, 1.0), 1.2, 1.2, "FAIL"),
        (side(1.0, 1.5, 2.0), side(1.0, 1.0, 1.0), 1.2, 0.667, "INCONCLUSIVE"),
        (side(1.0, 1.5, 2.0), side(2.0, 2.0, 2.0), 1.2, 1.333, "INCONCLUSIVE"),  # The machine alone differs more.
        (side(1.0, 1.0, failed=1), side(1.0, 1.0), 1.2, 1.0, "INCONCLUSIVE"),
        (side(1.0, 1.0, failed=1), side(1.0, 1.0, failed=1), 1.2, 1.0, "INCONCLUSIVE"),
        (side(1.0, 1.0), side(1.0, 1.0, failed=1), 1.2, 1.0, "FAIL"),
        (side(1.0, 1.0), side(1.0, 1.0), 2.1, 1.0, "FAIL"),
        (side(0.0), side(1.0), 1.2, 0.0, "INCONCLUSIVE"),
    ],
)
def test_the_medians_of_the_turns_are_compared(
    without: streams.Side, with_streams: streams.Side, behind_s: float, ratio: float, verdict: str
) -> None:
    report = streams.compared(without, with_streams, 100, 50, behind_s)

    assert (report["ratio"], report["verdict"]) == (ratio, verdict)
    assert report["failed"] == without.failed + with_streams.failed


@pytest.mark.parametrize(
    ("samples_mb", "verdict"),
    [
        ([90, 95, 100, 100, 101, 100, 104, 104], "PASS"),  # It may grow before the second quarter.
        ([100, 100, 100, 100, 103, 105, 106, 107], "FAIL"),
        ([100], "PASS"),
    ],
)
def test_memory_is_flat_if_the_last_quarter_is_as_the_second(samples_mb: list[float], verdict: str) -> None:
    assert streams.flat(samples_mb, 60)["verdict"] == verdict


def test_a_reader_counts_rows_and_how_late_they_come() -> None:
    reader, now_s = streams.Reader(b""), int(wall_ns() / 1e9)
    kept = f"HTTP/1.1 200 OK\r\n\r\nid: {now_s - 90}\ndata: 1\n\n"
    new = f"id: {now_s - 31}\ndata: 2\n\n:\n\nid: {now_s - 3}\n\n"
    reader.data_received(kept.encode())
    assert (reader.status, reader.rows) == (200, 1)
    assert reader.behind_s >= 89

    reader.begin()
    for n in range(0, len(new), 7):
        reader.data_received(new[n : n + 7].encode())

    assert reader.rows == 2
    assert 30 <= reader.behind_s < 35


@pytest.mark.long
def test_it_measures_both_sides_and_memory_in_one_run(capsys: pytest.CaptureFixture[str]) -> None:
    short = ["--streams", "5", "--rate", "20", "--seconds", "2", "--turns", "1", "--minutes", "0.3", "--json"]

    code = streams.main(short)

    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    # How long requests took is the machine's business, and no claim of a test.
    assert code == ExitCode[report["verdict"]]
    assert report["streams"]["failed"] == 0
    assert report["streams"]["behind_s"] < 5
    assert len(report["memory"]["samples_mb"]) == 8
    assert report["ended_in_s"] < streams.ENDS_WITHIN_S
