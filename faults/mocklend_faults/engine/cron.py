"""A cron expression of five fields, in a zone: when did it last fire? Pure, and in whole minutes.

        ┌ minute 0-59   ┌ hour 0-23   ┌ day 1-31   ┌ month 1-12 or jan-dec   ┌ weekday 0-7 or sun-sat; 0, 7: Sunday
        30              9             *            *                         mon-fri

As in crontab(5): where both day fields are restricted, either of them will do. A local time that the zone skips does
not fire; one that comes twice fires the first time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

LONGEST_BACK_S = 31 * 86_400
"""How far back a firing is looked for: so long may a window that it opens last."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LONGEST_MONTH = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Cron:
    """When it fires, as sets of numbers. `source` is the expression as it was written."""

    source: str
    minutes: tuple[int, ...]  # the latest first
    hours: tuple[int, ...]  # the latest first
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]  # Sunday is 0
    either_day: bool  # both day fields are restricted

    @classmethod
    def parse(cls, source: str) -> Cron:
        """Read an expression. ValueError says what is wrong with it."""
        parts = source.lower().split()
        if len(parts) != 5:
            raise ValueError(f"five fields, not {len(parts)}")
        minute, hour, day, month, weekday = parts
        days = _numbers(day, "day", 1, 31)
        months = _numbers(month, "month", 1, 12, _MONTHS)
        either = not day.startswith("*") and not weekday.startswith("*")
        if not either and not any(one <= _LONGEST_MONTH.get(m, 31) for m in months for one in days):
            raise ValueError("a day that one of its months has")
        return cls(
            source=source,
            minutes=tuple(sorted(_numbers(minute, "minute", 0, 59), reverse=True)),
            hours=tuple(sorted(_numbers(hour, "hour", 0, 23), reverse=True)),
            days=days,
            months=months,
            weekdays=frozenset(one % 7 for one in _numbers(weekday, "weekday", 0, 7, _WEEKDAYS)),
            either_day=either,
        )

    def last_fired_ms(self, at_ms: int, zone: str) -> int | None:
        """When it last fired, not after `at_ms`. None where that is longer ago than anybody asks."""
        return _last_fired_ms(self, at_ms - at_ms % 60_000, zone)

    def on(self, day: date) -> bool:
        """Whether it fires at all on this day."""
        if day.month not in self.months:
            return False
        in_month, in_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return in_month or in_week if self.either_day else in_month and in_week


@lru_cache(maxsize=4096)
def _last_fired_ms(cron: Cron, at_ms: int, zone: str) -> int | None:
    """One answer serves a whole minute: events come many to the minute."""
    place = ZoneInfo(zone)
    today = (_EPOCH + timedelta(milliseconds=at_ms)).astimezone(place).date()
    for back in range(LONGEST_BACK_S // 86_400 + 2):
        day = today - timedelta(days=back)
        if not cron.on(day):
            continue
        for hour in cron.hours:
            for minute in cron.minutes:
                fired_ms = _moment_ms(datetime.combine(day, time(hour, minute), tzinfo=place))
                if fired_ms is not None and fired_ms <= at_ms:
                    return fired_ms
    return None


def _moment_ms(local: datetime) -> int | None:
    """The moment of a local time, the first of two; None where the zone skips it."""
    there = local.astimezone(UTC)
    if there.astimezone(local.tzinfo).replace(tzinfo=None) != local.replace(tzinfo=None):
        return None
    return (there - _EPOCH) // timedelta(milliseconds=1)


def _numbers(text: str, what: str, low: int, high: int, names: tuple[str, ...] = ()) -> frozenset[int]:
    """The numbers of one field: `*`, `5`, `1-5`, `*/15`, `10-40/10`, and lists of these."""
    found: set[int] = set()
    for part in text.split(","):
        span, slash, step_text = part.partition("/")
        step = _number(step_text, what, 1, high) if slash else 1
        if span == "*":
            first, last = low, high
        else:
            begin, dash, end = span.partition("-")
            first = _number(begin, what, low, high, names)
            last = _number(end, what, low, high, names) if dash else (high if slash else first)
        if first > last:
            raise ValueError(f"a {what} range that goes upward, not {span}")
        found.update(range(first, last + 1, step))
    return frozenset(found)


def _number(text: str, what: str, low: int, high: int, names: tuple[str, ...] = ()) -> int:
    if text in names:
        return names.index(text) + low
    if not (text.isascii() and text.isdigit() and len(text) <= 2 and low <= int(text) <= high):
        raise ValueError(f"a {what} from {low} to {high}, not {text!r}")
    return int(text)
