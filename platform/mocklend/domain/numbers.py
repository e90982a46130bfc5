"""Whole numbers as text: what somebody typed, or the number in an id or a cursor."""

from __future__ import annotations

SECOND_DIGITS = 12
"""Digits of a moment in seconds."""
INT64_DIGITS = 18
"""So many digits fit into a column, whatever they are."""


def whole_number(text: str, digits: int = 9) -> int | None:
    """The number, of at most so many digits, or None: `²` is a digit, and no number."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= digits else None
