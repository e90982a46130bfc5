"""Money: integer minor units with a currency, and the single place where a fraction is rounded to money.

Amounts are computed exactly (integers and fractions) and rounded once, when they are posted. No
amount is a float.
"""

from __future__ import annotations

from enum import StrEnum

MAX_MINOR = 10**15
"""The largest amount in minor units that the platform accepts: it leaves room for interest within a 64-bit column."""

EXPONENTS: dict[str, int] = {
    "AUD": 2, "BHD": 3, "BRL": 2, "CAD": 2, "CHF": 2, "CNY": 2, "EUR": 2, "GBP": 2, "HKD": 2, "IDR": 2,
    "INR": 2, "JOD": 3, "JPY": 0, "KRW": 0, "KWD": 3, "MXN": 2, "MYR": 2, "OMR": 3, "PHP": 2, "SGD": 2,
    "THB": 2, "TND": 3, "TWD": 2, "USD": 2, "VND": 0, "ZAR": 2,
}  # fmt: skip
"""How many decimals a currency's major unit has, by ISO 4217."""


class Rounding(StrEnum):
    """How exactly half a minor unit is rounded."""

    HALF_EVEN = "half_even"
    HALF_UP = "half_up"


def round_ratio(numerator: int, denominator: int, rounding: Rounding = Rounding.HALF_EVEN) -> int:
    """An exact amount, a numerator over a positive denominator, rounded to integer minor units.

    Both roundings mirror around zero, so that a reversal is the exact opposite of what it reverses: `half_up`
    takes half a unit away from zero.
    """
    if rounding is Rounding.HALF_UP:
        size = (2 * abs(numerator) + denominator) // (2 * denominator)
        return size if numerator >= 0 else -size
    whole, rest = divmod(numerator, denominator)
    over = 2 * rest - denominator
    return whole + 1 if over > 0 or (over == 0 and whole & 1) else whole


def minor_exponent(currency: str) -> int:
    """The number of decimals of a currency; raises ValueError, with the known ones, for another currency."""
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise ValueError(f"unknown currency {currency!r}; known: {', '.join(EXPONENTS)}") from None


def format_minor(amount_minor: int, currency: str) -> str:
    """An amount for people to read, like `1,000.00 CNY`. Raises ValueError for an unknown currency."""
    return f"{format_major(amount_minor, currency)} {currency}"


def format_major(amount_minor: int, currency: str) -> str:
    """An amount without its currency, which stands elsewhere, like `1,000.00`. Raises ValueError as `format_minor`."""
    exponent = minor_exponent(currency)
    major, minor = divmod(abs(amount_minor), 10**exponent)
    sign = "-" if amount_minor < 0 else ""
    decimals = f".{minor:0{exponent}}" if exponent else ""
    return f"{sign}{major:,}{decimals}"
