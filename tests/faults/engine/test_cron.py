"""Cron expressions: when they fire, beside what APScheduler makes of the same, and what they refuse."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from apscheduler.triggers.cron import CronTrigger

from mocklend_faults.engine.cron import LONGEST_BACK_S, Cron

SHANGHAI, BERLIN = "Asia/Shanghai", "Europe/Berlin"


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * 1000


def fired(source: str, at: str, zone: str = "UTC") -> str | None:
    at_ms = Cron.parse(source).last_fired_ms(ms(at), zone)
    return None if at_ms is None else datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M")


def test_a_cron_expression_uses_the_sandboxes_zone() -> None:
    assert fired("0 2 * * *", "2026-01-05T12:00:00+08:00", SHANGHAI) == "2026-01-04T18:00"
    assert fired("0 2 * * *", "2026-01-05T12:00:00+08:00", "UTC") == "2026-01-05T02:00"


@pytest.mark.parametrize(
    ("source", "last"),
    [
        ("* * * * *", "2026-01-07T10:31"),
        ("*/15 * * * *", "2026-01-07T10:30"),
        ("5,40 8-9 * * *", "2026-01-07T09:40"),
        ("10-50/20 9 * * *", "2026-01-07T09:50"),
        ("0 9 * * 1", "2026-01-05T09:00"),
        ("0 9 * * mon", "2026-01-05T09:00"),
        ("0 9 * * 0", "2026-01-04T09:00"),
        ("0 9 * * 7", "2026-01-04T09:00"),
        ("0 9 * jan sat", "2026-01-03T09:00"),
        ("0 9 1 * *", "2026-01-01T09:00"),
        ("0 9 1 * tue", "2026-01-06T09:00"),  # either of the day fields, as in crontab
        ("0 9 */2 * mon", "2026-01-05T09:00"),  # a star is no restriction, so both
        ("0 9 25 12 *", "2025-12-25T09:00"),
        ("0 9 25 11 *", None),  # longer ago than any window lasts
    ],
)
def test_it_fires_when_crontab_says(source: str, last: str | None) -> None:
    assert fired(source, "2026-01-07T10:31:59+00:00") == last  # a Wednesday


@pytest.mark.parametrize("zone", ["UTC", SHANGHAI, BERLIN, "America/New_York"])
@pytest.mark.parametrize("source", ["*/7 * * * *", "30 9 * * mon-fri", "15 */5 3-20 3,10,11 *", "0 0 29 2 *"])
def test_it_agrees_with_another_scheduler(source: str, zone: str) -> None:
    other = CronTrigger.from_crontab(source, timezone=ZoneInfo(zone))
    cron = Cron.parse(source)

    for start in ("2026-03-27T23:00:00+00:00", "2026-11-03T05:03:00+00:00", "2028-02-27T00:00:00+00:00"):
        at = other.get_next_fire_time(None, datetime.fromisoformat(start))
        for _ in range(40):
            assert at is not None
            here = int(at.timestamp()) * 1000
            after = other.get_next_fire_time(at, at + timedelta(seconds=1))
            assert cron.last_fired_ms(here, zone) == here
            if after is not None and after - at < timedelta(seconds=LONGEST_BACK_S):
                assert cron.last_fired_ms(int(after.timestamp()) * 1000 - 1, zone) == here
            at = after


@pytest.mark.parametrize(
    ("at", "last"),
    [
        ("2026-03-29T00:59:59+00:00", "2026-03-28T01:30"),  # 1:59:59, the last second before the clocks go forward
        ("2026-03-29T01:00:00+00:00", "2026-03-29T01:00"),  # 3:00, the first one after
        ("2026-03-29T12:00:00+00:00", "2026-03-29T01:00"),
        ("2026-03-30T12:00:00+00:00", "2026-03-30T00:30"),
    ],
)
def test_an_hour_that_summer_time_skips_fires_once_that_is_over(at: str, last: str) -> None:
    assert fired("30 2 * * *", at, BERLIN) == last


def test_an_hour_that_comes_twice_fires_the_first_time() -> None:
    assert fired("30 2 * * *", "2026-10-25T12:00:00+00:00", BERLIN) == "2026-10-25T00:30"
    # 2:40, the second time: 2:50 was an hour and more ago, the first time.
    assert fired("50 2 * * *", "2026-10-25T01:40:00+00:00", BERLIN) == "2026-10-25T00:50"


def test_an_expression_of_every_minute_fires_in_both_hours() -> None:
    assert fired("*/15 * * * *", "2026-10-25T00:20:00+00:00", BERLIN) == "2026-10-25T00:15"
    assert fired("*/15 * * * *", "2026-10-25T01:20:00+00:00", BERLIN) == "2026-10-25T01:15"


@pytest.mark.parametrize("zone", [SHANGHAI, BERLIN, "America/New_York", "Australia/Lord_Howe"])
@pytest.mark.parametrize("source", ["30 2 * * *", "*/20 * * * *", "15 1,2,3 * * *", "59 23 * * *"])
def test_the_last_firing_never_goes_back(source: str, zone: str) -> None:
    for start in ("2026-03-28T20:00:00+00:00", "2026-04-04T10:00:00+00:00", "2026-10-24T20:00:00+00:00"):
        cron, at_ms = Cron.parse(source), ms(start)
        fired_ms = [cron.last_fired_ms(at_ms + n * 600_000, zone) or 0 for n in range(24 * 6)]

        assert fired_ms == sorted(fired_ms)
        assert all(entry <= at_ms + n * 600_000 for n, entry in enumerate(fired_ms))


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("", "five fields, not 0"),
        ("0 9 * *", "five fields, not 4"),
        ("@daily", "five fields, not 1"),
        ("60 9 * * *", "not a minute"),
        ("0 9 0 * *", "not a day-of-month"),
        ("0 9 31 2 *", "not a day-of-month"),
        ("0 9 31 4,jun *", "not a day-of-month"),
        ("0 9 * * fri-mon", "not a day-of-week"),
        ("0 9 * * 8", "not a day-of-week"),
        ("*/0 * * * *", "not a minute"),
        ("1,,2 * * * *", "not a minute"),
        ("٣ * * * *", "not a minute"),
        ("-5 * * * *", "not a minute"),
        (f"{'1' * 5_000} * * * *", "at most 200 characters"),
    ],
)
def test_an_invalid_or_impossible_expression_is_refused(source: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Cron.parse(source)
