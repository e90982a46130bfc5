"""An operator enters another amount than intended."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mocklend.domain.money import MAX_MINOR
from mocklend.seams.operator_edit import OperatorEdit
from mocklend.seams.signals import reversed_
from mocklend_faults.kinds.operator_wrong_amount import ANY, SLIPS, WrongAmount
from support.events import example, example_mark
from support.layer_harness import LayerHarness

amounts = st.integers(-MAX_MINOR, MAX_MINOR).filter(bool)


@pytest.mark.parametrize(
    ("slip", "intended", "typed"),
    [
        ("digits_swapped", 1_250, 2_150),
        ("digits_swapped", 1_120, 1_210),
        ("digits_swapped", -1_250, -2_150),
        ("digits_swapped", 1_023, 1_203),
        ("digits_swapped", 5_000, 500),
        ("digits_swapped", 1_111, 1_111),
        ("digits_swapped", 5, 5),
        ("yuan_for_fen", 12, 1_200),
        ("yuan_for_fen", -12, -1_200),
        ("yuan_for_fen", MAX_MINOR, MAX_MINOR),
        ("yuan_for_fen", -1_250, -1_250),
        ("sign_flipped", -1_250, 1_250),
        ("sign_flipped", 1_250, -1_250),
        ("sign_flipped", 5_001, 5_001),
        ("any", 1_111, 111_100),
    ],
)
def test_the_entered_amount_differs_from_the_intended_one(slip: str, intended: int, typed: int) -> None:
    outcome = WrongAmount(slip=slip).operator_edit(
        example(OperatorEdit, amount_minor=intended, amount_minor_min=-5_000)
    )

    assert outcome.amount_minor == typed


@given(intended=amounts, least=st.integers(-MAX_MINOR, 0), slip=st.sampled_from((*SLIPS, ANY)))
def test_the_entered_amount_is_always_valid(intended: int, least: int, slip: str) -> None:
    least = min(least, intended)

    typed = (
        WrongAmount(slip=slip)
        .operator_edit(example(OperatorEdit, amount_minor=intended, amount_minor_min=least))
        .amount_minor
    )

    assert isinstance(typed, int)
    assert typed != 0
    assert least <= typed <= MAX_MINOR


@given(intended=amounts)
def test_slip_any_finds_a_wrong_amount_wherever_one_is_possible(intended: int) -> None:
    given_edit = example(OperatorEdit, amount_minor=intended, amount_minor_min=-MAX_MINOR)
    possible = any(WrongAmount(slip=slip).operator_edit(given_edit) != given_edit for slip in SLIPS)

    assert (WrongAmount(slip=ANY).operator_edit(given_edit) != given_edit) == possible


def test_a_status_edit_has_no_wrong_amount() -> None:
    assert WrongAmount().operator_edit(example_mark()) == example_mark()


def test_the_edit_differs_from_the_intended_one_until_it_is_reversed(harness: LayerHarness) -> None:
    harness.arm("slip", "operator.wrong_amount")

    harness.meet(example(OperatorEdit, amount_minor=1_250))

    [entry] = harness.key()
    assert entry.to_json()["expected"] == {"class": "amount_mismatch", "entity": "edt_ada", "amount_minor": 900}
    assert entry.to_json()["effect"] == "amount_minor: 1250 -> 2150"

    harness.hear(reversed_("edt_ada"))

    [entry] = harness.key()
    assert (entry.status, entry.to_json()["status_reason"]) == ("healed", "it was reversed: edt_ada")


def test_without_a_possible_wrong_amount_the_rule_selects_an_event_and_injects_nothing(harness: LayerHarness) -> None:
    harness.arm("slip", "operator.wrong_amount")

    harness.meet(example(OperatorEdit, amount_minor=5))

    assert harness.key() == []
