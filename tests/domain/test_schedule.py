"""Schedules: laws that hold for every product, and published examples to the minor unit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal, localcontext
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mocklend.api.products import read_product
from mocklend.domain.days import DayCount, TermUnit, add_months
from mocklend.domain.money import MAX_MINOR, Rounding, round_ratio
from mocklend.domain.product import PRODUCTS, Method, Penalty, PenaltyBase, Product, RateUnit
from mocklend.domain.schedule import (
    Instalment,
    ScheduleError,
    interest_exact,
    penalty_exact,
    period_dates,
    schedule,
    spread,
)

NEW_YEAR = date(2026, 1, 1)


def _interest(product: Product, base_minor: int, a: date, b: date, period_from: date, period_to: date) -> Fraction:
    return Fraction(*interest_exact(product, base_minor, a, b, period_from, period_to))


def _rounded(x: Fraction, rounding: Rounding = Rounding.HALF_EVEN) -> int:
    return round_ratio(x.numerator, x.denominator, rounding)


def months(method: str, terms: int, rate: str, **more: object) -> Product:
    return read_product({"method": method, "terms": terms, "rate": rate, "day_count": "30/360"} | more)


def principals(rows: Sequence[Instalment]) -> list[int]:
    return [row.principal_minor for row in rows]


def interests(rows: Sequence[Instalment]) -> list[int]:
    return [row.interest_minor for row in rows]


@st.composite
def products(draw: st.DrawFn) -> Product:
    return Product(
        method=draw(st.sampled_from(Method)),
        terms=draw(st.integers(1, 36)),
        rate=draw(st.sampled_from(["0", "0.0005", "0.01"]) | st.decimals(0, 1, places=6).map(lambda d: f"{d:f}")),
        rate_unit=draw(st.sampled_from(RateUnit)),
        term_unit=draw(st.sampled_from(TermUnit)),
        term_length=draw(st.integers(1, 10)),
        day_count=draw(st.sampled_from(DayCount)),
        rounding=draw(st.sampled_from(Rounding)),
        instalment_multiple_minor=draw(st.sampled_from([1, 10, 100, 10**7])),
    )


PRINCIPALS = st.integers(1, 100) | st.integers(1, MAX_MINOR // 10**4)
STARTS = st.dates(date(2000, 1, 1), date(2100, 12, 31))


# --- laws ---


@given(products(), PRINCIPALS, STARTS)
def test_every_schedule_returns_the_principal_and_no_more(product: Product, principal: int, start: date) -> None:
    rows = schedule(product, principal, start)

    assert len(rows) == product.instalments
    assert sum(row.principal_minor for row in rows) == principal
    assert rows[-1].balance_minor == 0
    balance = principal
    for n, row in enumerate(rows, 1):
        balance -= row.principal_minor
        assert row.n == n
        assert row.principal_minor >= 0
        assert row.interest_minor >= 0
        assert row.due_minor == row.principal_minor + row.interest_minor
        assert row.balance_minor == balance


@given(products(), PRINCIPALS, STARTS)
def test_the_periods_tile_the_loan_from_the_first_day_to_maturity(
    product: Product, principal: int, start: date
) -> None:
    rows = schedule(product, principal, start)

    assert rows[0].from_date == start
    assert all(row.due_date == following.from_date for row, following in pairwise(rows))
    assert all(row.days == (row.due_date - row.from_date).days >= 1 for row in rows)
    length = product.terms * product.term_length
    maturity = add_months(start, length) if product.term_unit is TermUnit.MONTH else start + timedelta(days=length)
    assert rows[-1].due_date == maturity


@given(products(), PRINCIPALS, STARTS)
def test_interest_is_what_decimal_arithmetic_finds_on_the_balance(
    product: Product, principal: int, start: date
) -> None:
    rows = schedule(product, principal, start)

    rounding = ROUND_HALF_UP if product.rounding is Rounding.HALF_UP else ROUND_HALF_EVEN
    year = 365 if product.day_count is DayCount.ACTUAL_365 else 360
    length = product.terms * product.term_length if product.method is Method.BULLET else product.term_length
    with localcontext(Context(prec=90)):
        for row in rows:
            base = principal if product.method is Method.FLAT else row.balance_minor + row.principal_minor
            by_the_month = product.day_count is DayCount.THIRTY_360 and product.term_unit is TermUnit.MONTH
            days = 30 * length if by_the_month else row.days
            exact = Decimal(product.rate) * base * days
            if product.rate_unit is RateUnit.ANNUAL:
                exact /= year
            assert row.interest_minor == exact.quantize(Decimal(1), rounding=rounding)


@given(products(), PRINCIPALS, STARTS, st.lists(st.integers(0, 400), max_size=3))
def test_exact_interest_over_a_period_rounds_to_the_scheduled_interest(
    product: Product, principal: int, start: date, cuts: list[int]
) -> None:
    for row in schedule(product, principal, start):
        base = principal if product.method is Method.FLAT else row.balance_minor + row.principal_minor
        turns = sorted(min(row.due_date, row.from_date + timedelta(days=cut)) for cut in cuts)
        borders = [row.from_date, *turns, row.due_date]

        parts = [_interest(product, base, a, b, row.from_date, row.due_date) for a, b in pairwise(borders)]

        assert _rounded(sum(parts, Fraction(0)), product.rounding) == row.interest_minor


@given(
    products().filter(lambda product: product.method is Method.EQUAL_INSTALMENT and product.terms > 1),
    st.integers(10**6, MAX_MINOR // 10**4),
    STARTS,
)
def test_the_level_payment_pays_the_loan_off_but_for_rounding(product: Product, principal: int, start: date) -> None:
    first, *_, last = rows = schedule(product, principal, start)

    # Forward this time: what the loan grows to by maturity, over what one unit paid on each due date grows
    # to.
    grown, paid = Fraction(principal), Fraction(0)
    for row in rows:
        growth = 1 + _interest(product, 1, row.from_date, row.due_date, row.from_date, row.due_date)
        grown, paid = grown * growth, paid * growth + 1
    exact = grown / paid
    half = Fraction(product.instalment_multiple_minor, 2)
    if first.interest_minor <= exact - half and first.balance_minor > 0:
        assert abs(first.due_minor - exact) <= half
        assert first.due_minor % product.instalment_multiple_minor == 0
    assert last.balance_minor == 0


@given(st.sampled_from(Method), st.integers(1, 36), st.integers(1, MAX_MINOR), STARTS, st.sampled_from(DayCount))
def test_a_loan_without_interest_costs_what_was_lent(
    method: Method, terms: int, principal: int, start: date, day_count: DayCount
) -> None:
    rows = schedule(Product(method=method, terms=terms, rate="0", day_count=day_count), principal, start)

    assert sum(row.due_minor for row in rows) == principal
    assert sum(row.interest_minor for row in rows) == 0


# --- published examples ---


def test_a_year_at_six_percent_is_repaid_at_8606_64_a_month() -> None:
    """The annuity formula of any finance textbook, P·r / (1 - (1 + r)^-n): 100,000.00, 0.5 %, 12 months."""
    rows = schedule(months("equal_instalment", 12, "0.06"), 100_000_00, NEW_YEAR)

    with localcontext(Context(prec=50)):
        annuity = 100_000_00 * Decimal("0.005") / (1 - Decimal("1.005") ** -12)
    assert [row.due_minor for row in rows[:-1]] == [8606_64] * 11
    assert rows[0].due_minor == round(annuity)
    assert (rows[0].interest_minor, rows[0].principal_minor) == (500_00, 8106_64)
    assert rows[-1].due_minor == 8606_69
    assert sum(interests(rows)) == 3279_73


@pytest.mark.parametrize(
    ("principal", "rate", "terms", "payment"),
    [
        # Microsoft's page for Excel's PMT function: 8 % a year, 10 months, 10,000.
        (10_000_00, "0.08", 10, 1037_03),
        # Wikipedia, "Mortgage calculator": 200,000 at 6.5 % for 30 years.
        (200_000_00, "0.065", 360, 1264_14),
    ],
)
def test_published_level_payments_come_out_to_the_cent(principal: int, rate: str, terms: int, payment: int) -> None:
    rows = schedule(months("equal_instalment", terms, rate), principal, NEW_YEAR)

    assert {row.due_minor for row in rows[:-1]} == {payment}


@pytest.mark.parametrize(
    ("principal", "rate", "terms", "first", "last", "published"),
    [
        # SAS's page for CUMIPMT: 125,000 at 9 % for 30 years, month 1 and year 2.
        (125_000_00, "0.09", 360, 1, 1, 937_50),
        (125_000_00, "0.09", 360, 13, 24, 11_135_23),
        # ACL's page for CUMIPMT: 275,000 at 6.5 % for 25 years, year 1 and year 2.
        (275_000_00, "0.065", 300, 1, 12, 17_741_31),
        (275_000_00, "0.065", 300, 13, 24, 17_437_23),
    ],
)
def test_the_interest_of_published_mortgages_comes_out(
    principal: int, rate: str, terms: int, first: int, last: int, published: int
) -> None:
    """The pages add unrounded months, so those must agree to the cent; a real loan rounds every month."""
    product = months("equal_instalment", terms, rate)
    rows = schedule(product, principal, NEW_YEAR)

    monthly = 1 + Fraction(rate) / 12
    payment = principal * (monthly - 1) / (1 - 1 / monthly**terms)
    balance, unrounded = Fraction(principal), Fraction(0)
    for row in rows[:last]:
        # Interest is linear in its base: that of one minor unit, times a balance with all its decimals.
        interest = balance * _interest(product, 1, row.from_date, row.due_date, row.from_date, row.due_date)
        balance += interest - payment
        unrounded += interest if row.n >= first else 0
    assert _rounded(unrounded) == published
    assert abs(sum(interests(rows[first - 1 : last])) - published) <= (last - first + 1) // 2


def test_a_thousand_for_a_year_by_actual_360_costs_101_39() -> None:
    """A common explanation of actual/360: 1,000 at 10 % for 365 days costs 101.39, not 100.00."""
    product = Product(method=Method.BULLET, terms=12, rate="0.10", day_count=DayCount.ACTUAL_360)

    (row,) = schedule(product, 1000_00, NEW_YEAR)

    assert (row.days, row.interest_minor) == (365, 101_39)


# --- each method, on numbers that can be checked by hand ---


def test_equal_principal_costs_less_each_month() -> None:
    rows = schedule(months("equal_principal", 4, "0.12"), 1000_00, NEW_YEAR)

    assert principals(rows) == [250_00] * 4
    assert interests(rows) == [10_00, 7_50, 5_00, 2_50]


def test_interest_first_leaves_the_principal_to_the_end() -> None:
    rows = schedule(months("interest_first", 3, "0.12"), 1000_00, NEW_YEAR)

    assert principals(rows) == [0, 0, 1000_00]
    assert interests(rows) == [10_00] * 3


def test_flat_interest_stays_on_the_original_principal() -> None:
    rows = schedule(months("flat", 4, "0.12"), 1000_00, NEW_YEAR)

    assert [row.due_minor for row in rows] == [260_00] * 4


def test_a_bullet_is_one_instalment_at_maturity() -> None:
    (thirty_days,) = schedule(PRODUCTS["bullet-30d"], 1000_00, date(2026, 1, 31))
    (half_a_year,) = schedule(months("bullet", 6, "0.12"), 1000_00, date(2026, 1, 31))

    assert (thirty_days.due_date, thirty_days.interest_minor) == (date(2026, 3, 2), 15_00)
    assert (half_a_year.due_date, half_a_year.interest_minor) == (date(2026, 7, 31), 60_00)


def test_weekly_terms_fall_due_every_seven_days() -> None:
    product = Product(
        method=Method.EQUAL_PRINCIPAL, terms=4, rate="0.001", rate_unit=RateUnit.DAILY,
        term_unit=TermUnit.DAY, term_length=7,
    )  # fmt: skip

    rows = schedule(product, 1000_00, date(2028, 2, 20))

    assert [row.due_date for row in rows] == [
        date(2028, 2, 27), date(2028, 3, 5), date(2028, 3, 12), date(2028, 3, 19)
    ]  # fmt: skip
    assert interests(rows) == [7_00, 5_25, 3_50, 1_75]


def test_due_dates_of_a_loan_of_31_january_are_clamped_in_short_months_only() -> None:
    plain = schedule(PRODUCTS["jiebei-like"], 1000_00, date(2026, 1, 31))
    leap = schedule(PRODUCTS["jiebei-like"], 1000_00, date(2028, 1, 31))

    assert [row.due_date for row in plain[:3]] == [date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30)]
    assert [row.due_date for row in leap[:3]] == [date(2028, 2, 29), date(2028, 3, 31), date(2028, 4, 30)]
    assert (plain[0].days, plain[0].interest_minor) == (28, 12_60)
    assert (leap[0].days, leap[0].interest_minor) == (29, 13_05)


def test_the_last_instalment_absorbs_what_rounding_left_over() -> None:
    thirds = schedule(PRODUCTS["interest-free-3"], 1000_00, NEW_YEAR)
    tens = schedule(months("equal_instalment", 12, "0.06", instalment_multiple_minor=1000), 100_000_00, NEW_YEAR)

    assert principals(thirds) == [333_33, 333_33, 333_34]
    assert [row.due_minor for row in tens[:-1]] == [8610_00] * 11
    assert 8500_00 < tens[-1].due_minor < 8610_00


def test_the_smallest_loan_is_repaid_with_its_last_instalment() -> None:
    for method in ("equal_instalment", "equal_principal", "flat", "interest_first"):
        rows = schedule(months(method, 12, "0.06"), 1, NEW_YEAR)

        assert principals(rows) == [0] * 11 + [1]


def test_a_multiple_above_the_payment_never_makes_principal_negative() -> None:
    rows = schedule(months("equal_instalment", 12, "1", instalment_multiple_minor=10_000_00), 1000_00, NEW_YEAR)

    assert principals(rows) == [0] * 11 + [1000_00]


def test_half_a_fen_of_interest_follows_the_products_rounding() -> None:
    even = schedule(months("interest_first", 1, "0.06"), 5_00, NEW_YEAR)
    up = schedule(months("interest_first", 1, "0.06", rounding="half_up"), 5_00, NEW_YEAR)

    assert (interests(even), interests(up)) == ([2], [3])


def test_the_remaining_principal_can_be_spread_over_the_remaining_due_dates() -> None:
    product = months("equal_instalment", 12, "0.06")
    dates = period_dates(product, date(2026, 1, 31))
    rows = schedule(product, 100_000_00, date(2026, 1, 31))

    rest = spread(product, rows[5].balance_minor, dates[6:])

    assert [row.due_date for row in rest] == [row.due_date for row in rows[6:]]
    assert abs(rest[0].due_minor - rows[6].due_minor) <= 1


# --- refusals, and the penalty ---


@pytest.mark.parametrize("principal", [0, -1, MAX_MINOR + 1])
def test_a_principal_out_of_range_is_refused(principal: int) -> None:
    with pytest.raises(ScheduleError, match="principal_minor: expected an integer from 1"):
        schedule(PRODUCTS["jiebei-like"], principal, NEW_YEAR)


@pytest.mark.parametrize("name", ["jiebei-like", "bullet-30d"])
def test_a_loan_that_ends_after_the_last_date_is_refused(name: str) -> None:
    with pytest.raises(ScheduleError, match="start_date: expected a loan that ends by the year 9999"):
        schedule(PRODUCTS[name], 1000_00, date(9999, 12, 15))


def test_a_loan_whose_interest_exceeds_the_column_is_refused() -> None:
    ruinous = Product(method=Method.FLAT, terms=360, rate="1", rate_unit=RateUnit.DAILY)

    with pytest.raises(ScheduleError, match="rate: expected instalments of at most"):
        schedule(ruinous, MAX_MINOR, NEW_YEAR)


@pytest.mark.parametrize("day_count", DayCount)
def test_a_penalty_is_the_daily_contract_rate_times_its_multiplier(day_count: DayCount) -> None:
    product = Product(
        method=Method.FLAT, terms=3, rate="0.18", day_count=day_count,
        penalty=Penalty(multiplier="1.3", base=PenaltyBase.PRINCIPAL_AND_INTEREST),
    )  # fmt: skip
    year = 365 if day_count is DayCount.ACTUAL_365 else 360

    assert Fraction(*penalty_exact(product, 1000_00, 10)) == Fraction(1000_00 * 18 * 13 * 10, 100 * 10 * year)
    assert penalty_exact(product, 1000_00, 0)[0] == 0


def test_ten_days_late_on_a_thousand_costs_one_and_a_half_times_the_daily_rate() -> None:
    penalty = penalty_exact(PRODUCTS["weilidai-like"], 1000_00, 10)

    assert round_ratio(*penalty) == 7_50
