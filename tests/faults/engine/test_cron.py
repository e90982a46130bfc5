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


def test_a_nightly_hour_is_the_sandboxes_own() -> None:
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


def test_an_hour_that_summer_time_skips_does_not_fire() -> None:
    assert fired("30 2 * * *", "2026-03-29T12:00:00+00:00", BERLIN) == "2026-03-28T01:30"


def test_an_hour_that_comes_twice_fires_the_first_time() -> None:
    assert fired("30 2 * * *", "2026-10-25T12:00:00+00:00", BERLIN) == "2026-10-25T00:30"


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("", "five fields, not 0"),
        ("0 9 * *", "five fields, not 4"),
        ("@daily", "five fields, not 1"),
        ("60 9 * * *", "a minute from 0 to 59"),
        ("0 9 0 * *", "a day from 1 to 31"),
        ("0 9 31 2 *", "a day that one of its months has"),
        ("0 9 31 4,jun *", "a day that one of its months has"),
        ("0 9 * * fri-mon", "goes upward"),
        ("0 9 * * 8", "a weekday from 0 to 7"),
        ("*/0 * * * *", "a minute from 1 to 59"),
        ("1,,2 * * * *", "a minute from 0 to 59"),
        ("٣ * * * *", "a minute from 0 to 59"),
        ("-5 * * * *", "a minute from 0 to 59"),
    ],
)
def test_what_cannot_fire_or_be_read_is_refused(source: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Cron.parse(source)
