"""Selection: random choices from a keyed hash, and the limits."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mocklend.client import Doc
from mocklend.domain.problems import Refused
from mocklend_faults.engine.selection import SPAN, Counts, Select, draw

seeds = st.integers(0, 2**63 - 1)
names = st.text(min_size=1, max_size=20)
events: st.SearchStrategy[dict[str, Any]] = st.builds(
    dict, seed=seeds, rule=names, seam=names, entity=names, occurrence=st.integers(0, 1_000_000)
)
probabilities = st.floats(0, 1)


def of(**raw: object) -> Select:
    return Select.from_json(raw)


@pytest.mark.parametrize("probability", [0.1, 0.5, 0.9])
def test_over_a_thousand_seeds_the_observed_rate_is_near_the_probability(probability: float) -> None:
    select = of(probability=probability)

    drawn_count = sum(
        select.drawn(seed=seed, rule="r", seam="view.refresh", entity="loan_ada", occurrence=2) for seed in range(1000)
    )

    assert abs(drawn_count / 1000 - probability) < 0.05


@pytest.mark.parametrize("probability", [0.1, 0.5, 0.9])
def test_over_a_thousand_loans_of_one_sandbox_the_rate_is_near_the_probability(probability: float) -> None:
    select = of(probability=probability)

    drawn_count = sum(
        select.drawn(seed=7, rule="r", seam="view.refresh", entity=f"loan_{n}", occurrence=2) for n in range(1000)
    )

    assert abs(drawn_count / 1000 - probability) < 0.05


@given(events, probabilities, probabilities)
def test_a_higher_probability_only_adds(event: Doc, first: float, other: float) -> None:
    low, high = sorted((first, other))

    assert of(probability=low).drawn(**event) <= of(probability=high).drawn(**event)


@given(events)
def test_probability_0_never_selects_and_1_always_does(event: Doc) -> None:
    assert not of(probability=0).drawn(**event)
    assert of(probability=1).drawn(**event)


@given(events, probabilities)
def test_the_choice_is_u_below_p_exactly(event: Doc, probability: float) -> None:
    u = Fraction(draw(**event), SPAN)

    assert 0 <= u < 1
    assert of(probability=probability).drawn(**event) == (u < Fraction(str(probability)))


@given(st.lists(events, min_size=1, max_size=30), probabilities, st.integers())
def test_the_choices_do_not_depend_on_the_order_of_the_calls(
    story: list[Doc], probability: float, shuffle: int
) -> None:
    select = of(probability=probability)
    order = list(range(len(story)))
    random.Random(shuffle).shuffle(order)

    shuffled = {n: select.drawn(**story[n]) for n in order}

    assert [shuffled[n] for n in range(len(story))] == [select.drawn(**event) for event in story]


@given(events, probabilities, st.integers(0, 1_000))
def test_with_unit_entity_all_occurrences_have_one_choice(event: Doc, probability: float, occurrence: int) -> None:
    select = of(probability=probability, unit="entity")

    assert select.drawn(**event) == select.drawn(**event | {"occurrence": occurrence})


def test_the_parts_of_the_key_are_separated() -> None:
    sample = draw(seed=1, rule="ab", seam="c", entity="d", occurrence=1)
    other = draw(seed=1, rule="a", seam="bc", entity="d", occurrence=1)

    assert sample != other


def test_probability_one_tenth_is_exact() -> None:
    assert Fraction(of(probability=0.1).probability) == Fraction(1, 10)
    assert of(probability=0.1).to_json() == {"probability": 0.1, "unit": "occurrence"}


def test_skip_first_does_not_select_the_first_occurrences() -> None:
    assert [of(skip_first=2).allowed(Counts(matched=n)) for n in range(4)] == [False, False, True, True]


def test_every_third_is_the_third_and_the_sixth() -> None:
    assert [n + 1 for n in range(9) if of(every=3).allowed(Counts(matched=n))] == [3, 6, 9]


def test_every_counts_from_where_skip_first_ends() -> None:
    assert [n + 1 for n in range(9) if of(skip_first=1, every=3).allowed(Counts(matched=n))] == [4, 7]


def test_times_counts_injections() -> None:
    assert of(times=2).allowed(Counts(matched=50, injected=1))
    assert not of(times=2).allowed(Counts(matched=50, injected=2))


def test_times_per_entity_counts_that_entitys_injections() -> None:
    assert of(times_per={"entity": 1}).allowed(Counts(injected=9, injected_on_entity=0))
    assert not of(times_per={"entity": 1}).allowed(Counts(injected=9, injected_on_entity=1))


def test_max_active_counts_open_injections() -> None:
    assert of(max_active=1).allowed(Counts(injected=9, active=0))
    assert not of(max_active=1).allowed(Counts(injected=9, active=1))


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ({"probability": 1.5}, "select.probability"),
        ({"probability": -0.1}, "select.probability"),
        ({"probability": "0.5"}, "select.probability"),
        ({"probability": True}, "select.probability"),
        ({"probability": float("nan")}, "select.probability"),
        ({"probability": None}, "select.probability"),
        ({"unit": "loan"}, "select.unit"),
        ({"times": 0}, "select.times"),
        ({"times": 1.0}, "select.times"),
        ({"every": 0}, "select.every"),
        ({"skip_first": -1}, "select.skip_first"),
        ({"max_active": "1"}, "select.max_active"),
        ({"times_per": {"loan": 1}}, "select.times_per.loan"),
        ({"times_per": {"entity": 0}}, "select.times_per.entity"),
        ({"chance": 0.5}, "select.chance"),
    ],
)
def test_an_invalid_selection_is_refused(raw: dict[str, object], field: str) -> None:
    with pytest.raises(Refused) as refused:
        Select.from_json(raw)

    assert refused.value.code == "validation_failed"
    assert refused.value.ids["errors"][0]["field"] == field


def test_what_is_read_can_be_sent_again() -> None:
    raw = {"probability": 0.25, "unit": "entity", "skip_first": 1, "every": 2, "times": 3, "max_active": 4}
    raw |= {"times_per": {"entity": 5}}

    assert Select.from_json(raw).to_json() == raw
