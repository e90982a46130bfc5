"""Reads of a page go to its two replicas by turns."""

from __future__ import annotations

from mocklend.views import turns
from mocklend.views.turns import Turns


def test_every_other_read_goes_to_the_second_replica() -> None:
    whose = Turns()

    assert [whose.second("sbx", "loan_ada") for _ in range(5)] == [False, True, False, True, False]


def test_each_page_has_turns_of_its_own() -> None:
    whose = Turns()
    whose.second("sbx", "loan_ada")

    assert not whose.second("sbx", "loan_bob")
    assert not whose.second("another", "loan_ada")
    assert whose.second("sbx", "loan_ada")


def test_what_is_remembered_is_bounded() -> None:
    whose = Turns()

    for n in range(turns.MOST + 1):
        whose.second("sbx", f"loan_{n}")

    assert not whose.second("sbx", "loan_0")
    assert whose.second("sbx", f"loan_{turns.MOST}")
