"""Times and durations: RFC 3339 and ISO 8601 in the API, whole milliseconds in the code."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mocklend.sandboxes.timestamps import (
    FIRST_MS,
    LAST_MS,
    maybe_rfc3339,
    parse_duration,
    parse_rfc3339,
    rfc3339,
)


@given(at_ms=st.integers(FIRST_MS, LAST_MS))
def test_a_time_written_and_read_is_the_same(at_ms: int) -> None:
    assert parse_rfc3339(rfc3339(at_ms)) == at_ms


def test_a_time_is_written_in_utc_with_milliseconds() -> None:
    assert rfc3339(1_767_578_400_001) == "2026-01-05T02:00:00.001Z"
    assert maybe_rfc3339(None) is None
    assert parse_rfc3339("2026-01-05T10:00:00.001+08:00") == 1_767_578_400_001


@pytest.mark.parametrize(
    "text",
    ["", "tomorrow", "2026-01-05", "2026-01-05T02:00:00", "2026-02-30T02:00:00Z", "1969-12-31T23:59:59Z",
     "9999-12-31T23:59:59Z", "2026-01-05T25:00:00Z", "\ud800"],
)  # fmt: skip
def test_an_invalid_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_rfc3339(text)


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("PT1S", 1_000),
        ("PT0.05S", 50),
        ("PT90M", 5_400_000),
        ("P1D", 86_400_000),
        ("P1DT1H", 90_000_000),
        ("P2W", 1_209_600_000),
        ("PT0S", 0),
    ],
)
def test_a_duration_is_read(text: str, ms: int) -> None:
    assert parse_duration(text) == ms


@pytest.mark.parametrize("text", ["", "P", "PT", "P1DT", "1S", "P1M", "P1Y", "PT-1S", "PT1.5M", "PT1S ", "P1H", "pt1s"])
def test_an_invalid_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_duration(text)
