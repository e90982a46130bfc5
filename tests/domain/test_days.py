"""Days: clamped month ends, leap years, and parts of a period that add up to the whole."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mocklend.domain.days import DayCount, TermUnit, add_months, months_between, year_fraction

DATES = st.dates(date(1990, 1, 1), date(2100, 12, 31))


@pytest.mark.parametrize(
    ("origin", "n", "due"),
    [
        (date(2026, 1, 15), 1, date(2026, 2, 15)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2026, 1, 31), 2, date(2026, 3, 31)),
        (date(2026, 1, 31), 3, date(2026, 4, 30)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2100, 1, 30), 1, date(2100, 2, 28)),
        (date(2000, 1, 30), 1, date(2000, 2, 29)),
        (date(2026, 12, 31), 1, date(2027, 1, 31)),
        (date(2026, 5, 31), 0, date(2026, 5, 31)),
        (date(2026, 3, 31), -1, date(2026, 2, 28)),
    ],
)
def test_a_loan_falls_due_on_the_day_it_was_borrowed_or_the_months_last(origin: date, n: int, due: date) -> None:
    assert add_months(origin, n) == due


@given(DATES, st.integers(1, 360))
def test_due_dates_only_move_forward_and_never_skip_a_month(origin: date, n: int) -> None:
    due = add_months(origin, n)

    assert months_between(origin, due) == n
    assert due > add_months(origin, n - 1)
    assert due.day == origin.day or (
        due.day < origin.day and add_months(due, 1, 1) == date.fromordinal(due.toordinal() + 1)
    )


def test_a_whole_month_is_a_twelfth_of_the_year_however_long_it_is() -> None:
    for start, end in [
        (date(2026, 2, 1), date(2026, 3, 1)),
        (date(2024, 1, 31), date(2024, 2, 29)),
        (date(2026, 7, 5), date(2026, 8, 5)),
    ]:
        whole = year_fraction(DayCount.THIRTY_360, start, end, start, end, TermUnit.MONTH)

        assert whole == Fraction(1, 12)


def test_part_of_a_month_is_pro_rata_by_its_actual_days() -> None:
    february = date(2026, 2, 1), date(2026, 3, 1)
    leap_february = date(2028, 2, 1), date(2028, 3, 1)

    assert year_fraction(
        DayCount.THIRTY_360, date(2026, 2, 1), date(2026, 2, 15), *february, TermUnit.MONTH
    ) == Fraction(14, 28 * 12)
    assert year_fraction(
        DayCount.THIRTY_360, date(2028, 2, 1), date(2028, 2, 15), *leap_february, TermUnit.MONTH
    ) == Fraction(14, 29 * 12)


def test_three_months_into_a_year_long_bullet_are_a_quarter_of_the_year() -> None:
    year = date(2026, 1, 31), date(2027, 1, 31)

    part = year_fraction(DayCount.THIRTY_360, date(2026, 1, 31), date(2026, 4, 30), *year, TermUnit.MONTH)

    assert part == Fraction(3, 12)


def test_months_between_two_clamped_ends_still_turn_on_the_day_of_the_loan() -> None:
    quarter = date(2026, 1, 31), date(2026, 4, 30)

    part = year_fraction(DayCount.THIRTY_360, date(2026, 1, 31), date(2026, 3, 31), *quarter, TermUnit.MONTH)

    assert part == Fraction(2, 12)


def test_the_other_day_counts_divide_the_actual_days() -> None:
    leap_year = date(2024, 1, 1), date(2025, 1, 1)

    assert year_fraction(DayCount.ACTUAL_365, *leap_year, *leap_year, TermUnit.MONTH) == Fraction(366, 365)
    assert year_fraction(DayCount.ACTUAL_360, *leap_year, *leap_year, TermUnit.MONTH) == Fraction(366, 360)
    assert year_fraction(DayCount.THIRTY_360, *leap_year, *leap_year, TermUnit.DAY) == Fraction(366, 360)


def test_days_outside_their_period_are_refused() -> None:
    with pytest.raises(ValueError, match="not within the period"):
        year_fraction(
            DayCount.ACTUAL_365,
            date(2026, 1, 1),
            date(2026, 2, 2),
            date(2026, 1, 1),
            date(2026, 2, 1),
            TermUnit.MONTH,
        )


@given(
    DATES,
    st.integers(1, 24),
    st.sampled_from(DayCount),
    st.sampled_from(TermUnit),
    st.lists(st.integers(0, 800), max_size=4),
)
def test_parts_that_tile_a_period_add_up_to_it_exactly(
    start: date, months: int, day_count: DayCount, unit: TermUnit, cuts: list[int]
) -> None:
    end = add_months(start, months)
    borders = [start, *sorted(min(end, date.fromordinal(start.toordinal() + cut)) for cut in cuts), end]

    parts = [year_fraction(day_count, borders[k], borders[k + 1], start, end, unit) for k in range(len(borders) - 1)]

    assert sum(parts) == year_fraction(day_count, start, end, start, end, unit)
    assert min(parts) >= 0
