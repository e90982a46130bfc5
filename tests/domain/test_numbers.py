"""Whole numbers as text: ASCII digits, and not more than are asked for."""

from __future__ import annotations

import pytest

from mocklend.domain.numbers import whole_number


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("007", 7), ("123456789", 123_456_789), ("1234567890", None), ("", None), ("-1", None), ("1.0", None),
     (" 1", None), ("²", None), ("٣", None), ("1_0", None)],
)  # fmt: skip
def test_a_whole_number_is_at_most_nine_ascii_digits(text: str, number: int | None) -> None:
    assert whole_number(text) == number


def test_more_digits_are_taken_where_they_are_asked_for() -> None:
    assert whole_number("1234567890", 10) == 1_234_567_890
