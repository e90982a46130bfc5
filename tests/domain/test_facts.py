"""Facts and business dates: the order in which things take effect, and the day on which they do."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mocklend.domain.facts import (
    LATE_FAILURE,
    MOVED,
    RECEIPT,
    REVERSAL,
    Fact,
    booked,
    booking,
    business_date,
    midnight_ms,
    standing,
)

ZONES = ["Asia/Shanghai", "UTC", "America/New_York", "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Auckland"]


def test_a_payment_a_minute_before_midnight_in_shanghai_counts_for_that_day() -> None:
    before_midnight_ms = 1_767_628_740_000  # 2026-01-05T15:59:00Z

    assert business_date(before_midnight_ms, "Asia/Shanghai") == date(2026, 1, 5)
    assert business_date(before_midnight_ms + 60_000, "Asia/Shanghai") == date(2026, 1, 6)
    assert business_date(before_midnight_ms + 60_000, "UTC") == date(2026, 1, 5)


@given(day=st.dates(date(1971, 1, 1), date(2999, 12, 30)), zone=st.sampled_from(ZONES))
@example(day=date(2017, 10, 15), zone="America/Sao_Paulo")  # That midnight never was: clocks went from 00:00 to 01:00.
@example(day=date(2018, 2, 18), zone="America/Sao_Paulo")  # The hour before that midnight was there twice.
def test_a_business_day_begins_at_its_midnight_and_not_a_millisecond_before(day: date, zone: str) -> None:
    midnight = midnight_ms(day, zone)

    assert business_date(midnight, zone) == day
    assert business_date(midnight - 1, zone) < day


def test_facts_of_one_moment_take_effect_in_the_order_of_their_ids() -> None:
    today = date(2026, 1, 5)
    later, first, second = (
        Fact("rpy_a", RECEIPT, 2, today, 1), Fact("rpy_b", RECEIPT, 1, today, 1), Fact("rpy_c", RECEIPT, 1, today, 1)
    )  # fmt: skip

    assert sorted([later, second, first], key=lambda fact: fact.order) == [first, second, later]


def test_a_fact_cannot_be_changed() -> None:
    fact = Fact("rpy_a", RECEIPT, 1, date(2026, 1, 5), 1)

    with pytest.raises(AttributeError):
        fact.amount_minor = 2  # type: ignore[misc]


def fact(id: str, kind: str = RECEIPT, reverses: str | None = None) -> Fact:
    """A fact of which only this matters here."""
    return Fact(id, kind, 1, date(2026, 1, 5), reverses=reverses)


@given(n=st.integers(1, 999))
def test_every_booking_of_a_receipt_says_whose_booking_it_is(n: int) -> None:
    assert booked(booking("rpy_ada", n)) == "rpy_ada"


def test_of_a_receipt_that_was_booked_anew_the_new_booking_counts_and_is_what_a_reversal_takes_back() -> None:
    anew = [fact("rpy_ada"), fact("rpy_ada.2", reverses="rpy_ada")]

    assert standing(anew).gone == {"rpy_ada"}
    assert standing([*anew, fact("rev_1", REVERSAL, "rpy_ada")]).undone == {"rpy_ada.2"}
    assert standing([*anew, fact("undone_rpy_ada", LATE_FAILURE, "rpy_ada")]).void == {"rpy_ada.2"}


def test_a_reversal_that_was_reversed_does_not_count_and_the_next_one_does() -> None:
    back = [fact("rpy_ada"), fact("rev_1", REVERSAL, "rpy_ada"), fact("rev_2", REVERSAL, "rev_1")]

    assert "rpy_ada" not in standing(back).void
    assert "rpy_ada" in standing([*back, fact("rev_3", REVERSAL, "rpy_ada")]).void


def test_a_moved_receipt_is_gone_until_that_it_was_moved_is_reversed() -> None:
    moved = [fact("rct_ada"), fact("mov_1", MOVED, "rct_ada")]

    assert standing(moved).gone == {"rct_ada"}
    assert standing([*moved, fact("rev_1", REVERSAL, "mov_1")]).gone == set()
