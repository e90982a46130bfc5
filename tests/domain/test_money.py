"""Money: rounding happens once and is symmetric around zero, and a currency has its decimals."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mocklend.domain.money import MAX_MINOR, Rounding, format_minor, minor_exponent, round_ratio

DECIMAL_ROUNDING = {Rounding.HALF_EVEN: ROUND_HALF_EVEN, Rounding.HALF_UP: ROUND_HALF_UP}


@pytest.mark.parametrize(
    ("halves", "half_even", "half_up"),
    [(1, 0, 1), (3, 2, 2), (5, 2, 3), (-1, 0, -1), (-3, -2, -2), (-5, -2, -3)],
)
def test_half_a_fen_is_rounded_to_even_or_away_from_zero(halves: int, half_even: int, half_up: int) -> None:
    assert round_ratio(halves, 2) == half_even
    assert round_ratio(halves, 2, Rounding.HALF_EVEN) == half_even
    assert round_ratio(halves, 2, Rounding.HALF_UP) == half_up


@given(st.integers(-MAX_MINOR, MAX_MINOR), st.integers(0, 12), st.sampled_from(Rounding))
def test_rounding_is_what_decimal_arithmetic_says(digits: int, places: int, rounding: Rounding) -> None:
    expected = Decimal(digits).scaleb(-places).quantize(
        Decimal(1), rounding=DECIMAL_ROUNDING[rounding], context=Context(prec=60)
    )  # fmt: skip

    assert round_ratio(digits, 10**places, rounding) == int(expected)


@given(st.fractions(), st.sampled_from(Rounding))
def test_rounding_a_reversal_gives_the_opposite_of_what_it_reverses(x: Fraction, rounding: Rounding) -> None:
    rounded = round_ratio(x.numerator, x.denominator, rounding)
    assert round_ratio(-x.numerator, x.denominator, rounding) == -rounded
    assert abs(rounded - x) <= Fraction(1, 2)


@pytest.mark.parametrize(
    ("amount_minor", "currency", "text"),
    [
        (100_000, "CNY", "1,000.00 CNY"),
        (5, "USD", "0.05 USD"),
        (-5, "EUR", "-0.05 EUR"),
        (0, "GBP", "0.00 GBP"),
        (1_234_567, "JPY", "1,234,567 JPY"),
        (1_234_567, "KWD", "1,234.567 KWD"),
        (MAX_MINOR, "CNY", "10,000,000,000,000.00 CNY"),
    ],
)
def test_an_amount_is_shown_with_the_decimals_of_its_currency(amount_minor: int, currency: str, text: str) -> None:
    assert format_minor(amount_minor, currency) == text


def test_an_unknown_currency_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'XYZ'; known: .*CNY"):
        minor_exponent("XYZ")
