"""The schedule of a loan: due dates and amounts, and the exact interest for any days in between.

Everything is computed in integers over one common denominator and rounded once per instalment, by the
product's rounding. The last instalment absorbs the rounding difference, so the principal always adds up to
the amount lent.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from msgspec import Struct

from mocklend.domain.days import DayCount, TermUnit, add_months, months_between, year_fraction
from mocklend.domain.money import MAX_MINOR, Rounding, round_ratio
from mocklend.domain.product import Method, Product
from mocklend.domain.ratio import Ratio

TOTAL_MAX_MINOR = 1000 * MAX_MINOR
"""The largest total of a loan's instalments in minor units, so that every sum fits a 64-bit column."""


class ScheduleError(ValueError):
    """A loan that cannot be scheduled because of its principal, its dates or its total."""

    def __init__(self, field: str, expected: str, got: str) -> None:
        super().__init__(f"{field}: expected {expected}, got {got}")
        self.field = field
        self.expected = expected
        self.got = got


class Instalment(Struct, frozen=True, gc=False):
    """One line of the schedule: interest for the days [from_date, due_date), and the balance that remains."""

    n: int
    from_date: date
    due_date: date
    days: int
    principal_minor: int
    interest_minor: int
    due_minor: int
    balance_minor: int


@lru_cache(maxsize=1024)
def schedule(product: Product, principal_minor: int, start: date) -> tuple[Instalment, ...]:
    """All instalments of a loan paid out on `start`.

    The product's limits are not checked here. Raises ScheduleError.
    """
    return spread(product, principal_minor, period_dates(product, start))


def period_dates(product: Product, start: date) -> list[date]:
    """The start and every due date: the boundaries of the interest periods."""
    return list(_period_dates(product, start))


@lru_cache(maxsize=1024)
def _period_dates(product: Product, start: date) -> tuple[date, ...]:
    length = product.instalment_length
    steps = range(length, length * product.instalments + 1, length)
    try:
        if product.term_unit is TermUnit.MONTH:
            return (start, *[add_months(start, n) for n in steps])
        return (start, *[start + timedelta(days=n) for n in steps])
    except (ValueError, OverflowError):
        raise ScheduleError("start_date", "a loan that ends by the year 9999", start.isoformat()) from None


def spread(product: Product, principal_minor: int, dates: Sequence[date]) -> tuple[Instalment, ...]:
    """Spread a principal over periods with these boundaries; `schedule` uses the product's own."""
    rows: list[Instalment] = []
    balance = principal_minor
    parts = zip(pairwise(dates), _parts(product, principal_minor, tuple(dates)), strict=True)
    for n, ((from_date, due_date), (principal, interest)) in enumerate(parts, 1):
        balance -= principal
        due, days = principal + interest, (due_date - from_date).days
        rows.append(Instalment(n, from_date, due_date, days, principal, interest, due, balance))
    return tuple(rows)


@lru_cache(maxsize=1024)
def principals(product: Product, principal_minor: int, start: date) -> tuple[tuple[date, date, int], ...]:
    """(first day, due date, principal in minor units) of each instalment: the part of `schedule` that a replay uses.

    Every replay begins with them, so they are cached. Raises ScheduleError.
    """
    dates = _period_dates(product, start)
    parts = _parts(product, principal_minor, dates)
    return tuple((dates[n], dates[n + 1], principal) for n, (principal, _) in enumerate(parts))


def _parts(product: Product, principal_minor: int, dates: tuple[date, ...]) -> list[tuple[int, int]]:
    """(principal, interest) of each instalment."""
    if not 1 <= principal_minor <= MAX_MINOR:
        raise ScheduleError("principal_minor", f"an integer from 1 to {MAX_MINOR}", str(principal_minor))
    costs, scale, over, worth = _costs(product, dates)
    level = _level(product, principal_minor, len(costs), over, worth)
    method, rounding, last = product.method, product.rounding, len(costs)
    flat, level_due = method is Method.FLAT, method is Method.EQUAL_INSTALMENT
    balance, total = principal_minor, principal_minor
    parts: list[tuple[int, int]] = []
    half_even = rounding is Rounding.HALF_EVEN
    for n, cost in enumerate(costs, 1):
        exact = (principal_minor if flat else balance) * cost
        if half_even:  # As `round_ratio`, without a call for each instalment.
            interest, rest = divmod(exact, scale)
            if 2 * rest > scale or (2 * rest == scale and interest & 1):
                interest += 1
        else:
            interest = round_ratio(exact, scale, rounding)
        # A coarse multiple can make the level payment smaller than the interest, or end the loan early.
        principal = level - interest if level_due else level
        if n == last or principal > balance:
            principal = balance
        elif principal < 0:
            principal = 0
        balance -= principal
        total += interest
        parts.append((principal, interest))
    if total > TOTAL_MAX_MINOR:
        raise ScheduleError("rate", f"instalments of at most {TOTAL_MAX_MINOR} minor units in all", str(total))
    return parts


class _Costs(NamedTuple):
    """The interest on one minor unit in each period, as numerators over one scale; over/worth is its level payment."""

    costs: list[int]
    scale: int
    over: int
    worth: int


@lru_cache(maxsize=1024)
def _costs(product: Product, dates: tuple[date, ...]) -> _Costs:
    rate, denominator = product.annual_ratio()
    borders = pairwise(dates)
    if product.day_count is DayCount.THIRTY_360 and product.term_unit is TermUnit.MONTH:
        costs, scale = [rate * months_between(start, end) for start, end in borders], denominator * 12
    else:
        costs = [rate * (end - start).days for start, end in borders]
        scale = denominator * product.day_count.days_in_year
    # P / (d1 + d1·d2 + d1·d2·d3 + …), where d = 1 / (1 + i) discounts one period: exact, from the inside out.
    worth, over = 0, 1
    for cost in reversed(costs):
        worth, over = scale * (over + worth), over * (scale + cost)
    return _Costs(costs, scale, over, worth)


def _level(product: Product, principal_minor: int, periods: int, over: int, worth: int) -> int:
    """The amount that is equal in every instalment: the whole instalment or its principal, depending on the method."""
    if product.method is Method.EQUAL_INSTALMENT:
        exact = principal_minor * over, worth
    elif product.method in (Method.EQUAL_PRINCIPAL, Method.FLAT):
        exact = principal_minor, periods
    else:
        return 0
    multiple = product.instalment_multiple_minor
    return multiple * round_ratio(exact[0], exact[1] * multiple, product.rounding)


def interest_exact(product: Product, base_minor: int, a: date, b: date, period_from: date, period_to: date) -> Ratio:
    """The exact interest on a principal for the days [a, b) of one period of the schedule, not in lowest terms.

    Ranges that tile a period add up to its interest exactly, and that interest, rounded, is the one in `schedule`.
    The base is the balance, or for `flat` the original principal. The caller applies the minimum of one day.
    """
    if product.day_count is not DayCount.THIRTY_360 and period_from <= a <= b <= period_to:
        rate, denominator = product.daily_ratio()
        return base_minor * rate * (b - a).days, denominator
    rate, denominator = product.annual_ratio()
    part = year_fraction(product.day_count, a, b, period_from, period_to, product.term_unit)
    return base_minor * rate * part.numerator, denominator * part.denominator


def penalty_exact(product: Product, base_minor: int, days: int) -> Ratio:
    """The exact penalty on an overdue amount for a number of days, grace days already taken off.

    Not in lowest terms.
    """
    rate = product.penalty_rate()
    return base_minor * days * rate.numerator, rate.denominator
