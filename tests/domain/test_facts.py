"""Facts and business dates: the order in which things take effect, and the day on which they do."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mocklend.domain.facts import (
    MOVED,
    PAYMENT_RETURN,
    RECEIPT,
    REVERSAL,
    Fact,
    booked,
    booking,
    business_date,
    midnight_ms,
    standing,
    taken_back,
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


def _taking_back(chain: list[int], kind: str = REVERSAL) -> list[Fact]:
    """A receipt, and reversals of which each reverses the one before. The order of the ids is arbitrary."""
    day = date(2026, 1, 5)
    names = ["receipt", *(f"rev-{n}" for n in chain)]
    facts = [Fact(names[0], RECEIPT, 0, day, 100)]
    return facts + [Fact(id, kind, 0, day, reverses=before) for before, id in pairwise(names)]


@given(chain=st.permutations(range(9)).flatmap(lambda all: st.integers(0, 9).map(lambda n: all[:n])), data=st.data())
def test_a_receipt_counts_if_it_was_reversed_and_restored_equally_often(chain: list[int], data: st.DataObject) -> None:
    facts = _taking_back(chain)

    void = taken_back(data.draw(st.permutations(facts)), REVERSAL)

    assert ("receipt" in void) == (len(chain) % 2 == 1)


def test_only_facts_of_the_given_kinds_undo_another_fact() -> None:
    failed = _taking_back([1], PAYMENT_RETURN)

    assert taken_back(failed, REVERSAL) == set()
    assert taken_back(failed, REVERSAL, PAYMENT_RETURN) == {"receipt"}


def fact(id: str, kind: str = RECEIPT, reverses: str | None = None) -> Fact:
    """A fact of this kind; its other fields do not matter."""
    return Fact(id, kind, 1, date(2026, 1, 5), reverses=reverses)


@given(n=st.integers(1, 999))
def test_every_booking_of_a_receipt_names_its_receipt(n: int) -> None:
    assert booked(booking("rpy_ada", n)) == "rpy_ada"


def test_of_a_rebooked_receipt_the_new_booking_counts_and_is_what_is_reversed() -> None:
    anew = [fact("rpy_ada"), fact("rpy_ada.2", reverses="rpy_ada")]

    assert standing(anew).gone == {"rpy_ada"}
    assert standing([*anew, fact("rev_1", REVERSAL, "rpy_ada")]).undone == {"rpy_ada.2"}
    assert standing([*anew, fact("undone_rpy_ada", PAYMENT_RETURN, "rpy_ada")]).void == {"rpy_ada.2"}


def test_a_reversal_that_was_reversed_does_not_count_and_the_next_one_does() -> None:
    back = [fact("rpy_ada"), fact("rev_1", REVERSAL, "rpy_ada"), fact("rev_2", REVERSAL, "rev_1")]

    assert "rpy_ada" not in standing(back).void
    assert "rpy_ada" in standing([*back, fact("rev_3", REVERSAL, "rpy_ada")]).void


def test_a_moved_receipt_does_not_count_until_its_move_is_reversed() -> None:
    moved = [fact("rct_ada"), fact("mov_1", MOVED, "rct_ada")]

    assert standing(moved).gone == {"rct_ada"}
    assert standing([*moved, fact("rev_1", REVERSAL, "mov_1")]).gone == set()
