"""Days: the length of a range of days for interest, and the due dates of instalments.

A range is half open, [start, end): the day of borrowing counts, the day of repayment does not. Ranges
that tile a period therefore add up to it exactly, in every day count.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise


class DayCount(StrEnum):
    """How a number of days becomes a fraction of a year."""

    THIRTY_360 = "30/360"
    ACTUAL_365 = "actual/365"
    ACTUAL_360 = "actual/360"

    @property
    def days_in_year(self) -> int:
        """The divisor of an annual rate that gives the rate of a day."""
        return 365 if self is DayCount.ACTUAL_365 else 360


class TermUnit(StrEnum):
    """The unit in which the length of a term is counted."""

    DAY = "day"
    MONTH = "month"


@lru_cache(maxsize=4096)
def year_fraction(
    day_count: DayCount, start: date, end: date, period_start: date, period_end: date, unit: TermUnit
) -> Fraction:
    """The fraction of a year that [start, end) covers, within one period of a schedule.

    With `30/360` and months, each whole month is 1/12, however long it is, and part of one is pro rata by the
    actual days of that month: half of a February and half of a March cost the same. With `30/360` and days
    there is no month to be part of, so a day is 1/360. The `actual` counts need no period and ignore it.
    """
    if not period_start <= start <= end <= period_end:
        raise ValueError(f"[{start}, {end}) is not within the period [{period_start}, {period_end})")
    if day_count is not DayCount.THIRTY_360 or unit is TermUnit.DAY:
        return Fraction((end - start).days, day_count.days_in_year)
    months = months_between(period_start, period_end)
    if start == period_start and end == period_end:
        return Fraction(months, 12)
    if months == 1:
        return Fraction((end - start).days, 12 * (period_end - period_start).days)
    # Months begin on the day of the period's end that was not clamped to a short month.
    day = max(period_start.day, period_end.day)
    turns = [period_start, *(add_months(period_start, n, day) for n in range(1, months)), period_end]
    whole = Fraction(0)
    for turn, following in pairwise(turns):
        inside = (min(end, following) - max(start, turn)).days
        if inside > 0:
            whole += Fraction(inside, 12 * (following - turn).days)
    return whole


def months_between(start: date, end: date) -> int:
    """Calendar months from one due date to a later one; at least one, as a period is never shorter."""
    return max(1, (end.year - start.year) * 12 + end.month - start.month)


def add_months(origin: date, n: int, day: int | None = None) -> date:
    """The same day n months later, clamped to the end of that month.

    Always count from the original date, never from the previous result: a loan of 31 January falls due on
    28 February and then on 31 March. `day` names another day of the month than the origin's.
    """
    years, month = divmod(origin.year * 12 + origin.month - 1 + n, 12)
    month += 1
    day_of_month = origin.day if day is None else day
    if day_of_month > 28:
        day_of_month = min(day_of_month, monthrange(years, month)[1])
    return date(years, month, day_of_month)
