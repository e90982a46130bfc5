"""Moments and durations: RFC 3339 text in UTC at the edges, integer milliseconds inside."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from mocklend.domain.days import add_months

FIRST_MS, LAST_MS = 0, 32_503_680_000_000
"""1970 to 3000: the range of a sandbox's clock, in ms."""


@lru_cache(maxsize=4096)
def rfc3339(at_ms: int) -> str:
    """The moment as `2026-01-05T02:00:00.000Z`. Cached: a command renders the same few moments many times."""
    seconds, ms = divmod(at_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC).isoformat()[:19]}.{ms:03d}Z"


def maybe_rfc3339(at_ms: int | None) -> str | None:
    """The moment as text, or None for None."""
    return None if at_ms is None else rfc3339(at_ms)


@lru_cache(maxsize=4096)
def parse_rfc3339(text: str) -> int:
    """Milliseconds of an RFC 3339 moment with an offset. Raises ValueError if it is invalid or out of range.

    Cached, since a callback's moments are read several times.
    """
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("the moment has no offset")
    at_ms = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    if not FIRST_MS <= at_ms <= LAST_MS:
        raise ValueError("the moment is out of range")
    return at_ms


_DURATION = re.compile(
    r"P(?:(?P<weeks>\d{1,5})W)?(?:(?P<days>\d{1,6})D)?"
    r"(?:T(?:(?P<hours>\d{1,7})H)?(?:(?P<minutes>\d{1,9})M)?(?:(?P<seconds>\d{1,10})(?:\.(?P<ms>\d{1,3}))?S)?)?"
)


def parse_duration(text: str) -> int:
    """Milliseconds of an ISO 8601 duration in weeks to seconds, like PT1H30M. Raises ValueError."""
    match = _DURATION.fullmatch(text)
    if match is None or text in ("P", "PT") or text.endswith("T"):
        raise ValueError("not an ISO 8601 duration")
    ms = match.group("ms")
    parts = {k: int(v) for k, v in match.groupdict().items() if v is not None and k != "ms"}
    return timedelta(**parts) // timedelta(milliseconds=1) + (int(ms.ljust(3, "0")) if ms else 0)


_CALENDAR = re.compile(
    r"P(?:(?P<years>\d{1,4})Y)?(?:(?P<months>\d{1,5})M)?(?P<rest>(?:\d{1,5}W)?(?:\d{1,6}D)?(?:T.+)?)"
)


class Span(NamedTuple):
    """A duration by the calendar: months, then milliseconds."""

    months: int
    ms: int

    def after(self, at_ms: int, zone: str) -> int:
        """The moment (ms) so long after another one; LAST_MS + 1 if it is after LAST_MS.

        The months are counted in a time zone: the same day and time there, or the month's last day if it has no such
        day. The rest is exact time.
        """
        if not self.months:
            return at_ms + self.ms
        seconds, ms = divmod(at_ms, 1000)
        local = datetime.fromtimestamp(seconds, ZoneInfo(zone))
        try:
            day = add_months(local.date(), self.months)
        except ValueError:  # After the year 9999.
            return LAST_MS + 1
        later = local.replace(year=day.year, month=day.month, day=day.day, fold=0)
        return min((later - _EPOCH) // timedelta(seconds=1) * 1000 + ms + self.ms, LAST_MS + 1)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_span(text: str) -> Span:
    """An ISO 8601 duration, also in years and months, like P1M or P1Y6M or P1M2DT1H. Raises ValueError."""
    match = _CALENDAR.fullmatch(text)
    if match is None or (match["years"] is None and match["months"] is None):
        return Span(0, parse_duration(text))
    months = 12 * int(match["years"] or 0) + int(match["months"] or 0)
    return Span(months, parse_duration(f"P{match['rest']}") if match["rest"] else 0)
