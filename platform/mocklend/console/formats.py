"""Numbers, money and times as a reader of each language writes them, in the time zone of the sandbox."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

from babel.core import Locale
from babel.dates import format_date, format_skeleton
from babel.numbers import NumberPattern, format_currency, format_decimal, parse_pattern
from markupsafe import Markup

from mocklend.domain.money import minor_exponent
from mocklend.language import Language
from mocklend.sandboxes.timestamps import parse_rfc3339, rfc3339

_CODE_BEFORE_DIGIT = re.compile(r"(?<=[A-Z])(?=\d)")
"""Where CLDR has a space that does not break, which Babel leaves out: between a currency's code and its amount."""
LOCALES = {Language.EN: Locale.parse("en_US"), Language.ZH: Locale.parse("zh_CN")}
"""Babel's locales, parsed once: that takes longer than writing a date. American numbers, and days like 9 Mar."""

WRITTEN_MAX = 4_096
"""How many numbers, amounts and sums of money are remembered as they are written."""


def indented(text: str) -> str:
    """JSON over several lines. Raises ValueError, RecursionError."""
    return json.dumps(json.loads(text), indent=2, ensure_ascii=False)


class Formats:
    """How one page writes what it shows."""

    def __init__(self, language: Language, zone: str) -> None:
        self._language, self._locale, self._zone = language, LOCALES[language], ZoneInfo(zone)

    def number(self, number: float) -> str:
        """A number: 16,000."""
        return _number(self._language, number)

    def amount(self, minor: int | None, currency: str) -> str:
        """An amount without its currency, which stands beside it or above: 1,004.50. Empty for None."""
        return "" if minor is None else _amount(self._language, minor, currency)

    def money(self, minor: int, currency: str) -> str:
        """An amount that stands alone: CN¥1,004.50 in English, ¥1,004.50 in Chinese; without a sign, KWD 1.005."""
        return _money(self._language, minor, currency)

    def moment(self, at: str | int | None) -> Markup:
        """A moment (RFC 3339 or ms) in a table: 03-09 10:10, with UTC for machines and in the title."""
        return self._time(at, "%m-%d %H:%M")

    def second(self, at: str | int | None) -> Markup:
        """A moment of which the second matters: 03-09 10:10:05."""
        return self._time(at, "%m-%d %H:%M:%S")

    def full_moment(self, at: str | int | None) -> Markup:
        """A moment with its year: 2026-03-09 10:10."""
        return self._time(at, "%Y-%m-%d %H:%M")

    def clock_time(self, at: str | int | None) -> Markup:
        """The time of day of a moment: 10:10."""
        return self._time(at, "%H:%M")

    def day(self, at: str | int) -> str:
        """The day of a moment in a sentence: 9 Mar, 3月9日."""
        return self._day(self._local(at).date())

    def day_of(self, day: str) -> str:
        """A business day (2026-03-09) in a sentence: 9 Mar, 3月9日."""
        return self._day(date.fromisoformat(day))

    def full_day(self, at: str | int) -> str:
        """The day of a moment with year and weekday: Mon 9 Mar 2026, 2026年3月9日 周一."""
        day = self._local(at).date()
        if self._language is Language.ZH:
            return str(format_date(day, "y年M月d日 EEE", locale=self._locale))
        return str(format_date(day, "EEE d MMM y", locale=self._locale))

    def days_between(self, first: str | int, last: str | int) -> int:
        """How many business days after one moment another one is."""
        return (self._local(last).date() - self._local(first).date()).days

    def _day(self, day: date) -> str:
        if self._language is Language.EN:
            return str(format_date(day, "d MMM", locale=self._locale))
        return str(format_skeleton("MMMd", day, locale=self._locale))

    def _time(self, at: str | int | None, pattern: str) -> Markup:
        if at is None:
            return Markup("")
        utc = rfc3339(_ms(at))
        return Markup(f'<time datetime="{utc}" title="{utc}">{self._local(at).strftime(pattern)}</time>')

    def _local(self, at: str | int) -> datetime:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=_ms(at))).astimezone(self._zone)


# A page writes some hundreds of them, many the same, and Babel takes longer for each than the database for a row.


@lru_cache(WRITTEN_MAX)
def _number(language: Language, number: float) -> str:
    return str(format_decimal(number, locale=LOCALES[language]))


@lru_cache(WRITTEN_MAX)
def _amount(language: Language, minor: int, currency: str) -> str:
    decimals = minor_exponent(currency)
    return str(format_decimal(_major(minor, decimals), format=_pattern(decimals), locale=LOCALES[language]))


@lru_cache(WRITTEN_MAX)
def _money(language: Language, minor: int, currency: str) -> str:
    written = str(format_currency(_major(minor, minor_exponent(currency)), currency, locale=LOCALES[language]))
    return _CODE_BEFORE_DIGIT.sub("\u00a0", written)


@cache
def _pattern(decimals: int) -> NumberPattern:
    return parse_pattern(f"#,##0.{'0' * decimals}" if decimals else "#,##0")


def _ms(at: str | int) -> int:
    return parse_rfc3339(at) if isinstance(at, str) else at


def _major(minor: int, decimals: int) -> Decimal:
    return Decimal(minor).scaleb(-decimals)
