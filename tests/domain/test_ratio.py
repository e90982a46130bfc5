"""Ratios: their sum is that of fractions."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from mocklend.domain.ratio import NOTHING, plus


@given(st.fractions(), st.fractions(), st.integers(1, 1000))
def test_a_sum_is_that_of_fractions_in_lowest_terms(a: Fraction, b: Fraction, times: int) -> None:
    wide = (b.numerator * times, b.denominator * times)
    assert plus(a.as_integer_ratio(), wide) == (a + b).as_integer_ratio()


@given(st.fractions())
def test_nothing_changes_no_sum(a: Fraction) -> None:
    assert plus(a.as_integer_ratio(), NOTHING) == a.as_integer_ratio()
