"""Exact amounts as pairs of integers, in lowest terms: a loan's state has three for each instalment.

A `Fraction` of each would cost a call of Python whenever a state is read, written or changed.
"""

from __future__ import annotations

from math import gcd

Ratio = tuple[int, int]
"""A numerator and a positive denominator."""

NOTHING: Ratio = (0, 1)


def plus(a: Ratio, b: Ratio) -> Ratio:
    """The sum of two ratios, in lowest terms."""
    numerator, denominator = a[0] * b[1] + b[0] * a[1], a[1] * b[1]
    common = gcd(numerator, denominator)
    return numerator // common, denominator // common
