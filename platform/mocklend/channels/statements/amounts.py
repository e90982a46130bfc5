"""Amounts as statements print them: `1000.00`, no separators, the currency's own decimals. Never through a float."""

from __future__ import annotations

import re

from mocklend.channels.statements.day import MalformedStatement
from mocklend.domain.money import minor_exponent

_AMOUNT = re.compile(r"(-?)([0-9]{1,18})(?:\.([0-9]+))?", re.ASCII)


def major(amount_minor: int, currency: str) -> str:
    """`100000` of CNY as `1000.00`."""
    exponent = minor_exponent(currency)
    whole, rest = divmod(abs(amount_minor), 10**exponent)
    sign = "-" if amount_minor < 0 else ""
    return f"{sign}{whole}.{rest:0{exponent}}" if exponent else f"{sign}{whole}"


def minor(text: str, currency: str) -> int:
    """The reverse. Raises MalformedStatement for fractions of the smallest unit, or text that is not an amount."""
    match = _AMOUNT.fullmatch(text)
    exponent = minor_exponent(currency)
    if match is None or len(match[3] or "") > exponent:
        raise MalformedStatement(f"{text!r} is not an amount of {currency}")
    size: int = int(match[2]) * 10**exponent + int((match[3] or "").ljust(exponent, "0") or "0")
    return -size if match[1] else size
