"""Occurrence numbers of events continue, in bounded memory, and no pinned number is used again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mocklend_faults.engine.numbering import Numbers

entities = st.sampled_from("abcdefgh")


@given(asked_for=st.lists(entities, max_size=60))
def test_each_entity_is_numbered_from_one_while_all_are_in_memory(asked_for: list[str]) -> None:
    numbers = Numbers({}, entities_max=8)

    numbered = [(entity, numbers.next(entity)) for entity in asked_for]

    assert numbered == [(entity, asked_for[: n + 1].count(entity)) for n, entity in enumerate(asked_for)]


@given(asked_for=st.lists(st.tuples(entities, st.booleans()), max_size=80))
def test_a_pinned_occurrence_is_never_used_again_after_eviction(asked_for: list[tuple[str, bool]]) -> None:
    numbers, struck = Numbers({"a": 3}, entities_max=2), {("a", 3)}
    for entity, strikes in asked_for:
        number = numbers.next(entity)
        assert (entity, number) not in struck
        if strikes:
            numbers.keep(entity, number)
            struck.add((entity, number))


@given(entities=st.lists(st.integers(0, 10_000), max_size=300))
def test_the_number_of_entities_in_memory_is_bounded(entities: list[int]) -> None:
    numbers = Numbers({}, entities_max=5)
    for entity in entities:
        numbers.next(str(entity))

    assert len(numbers._last) <= 5


def test_an_entity_used_recently_is_kept() -> None:
    numbers = Numbers({}, entities_max=3)
    numbered = [numbers.next(entity) for entity in "xabxcdx"]

    assert numbered == [1, 1, 1, 2, 1, 1, 3], "asked_for about within the last three"


def test_an_entity_not_used_recently_is_evicted() -> None:
    numbers = Numbers({}, entities_max=3)

    assert [numbers.next(entity) for entity in "xabcx"] == [1, 1, 1, 1, 1]


def test_numbers_continue_after_those_pinned_by_an_earlier_process() -> None:
    assert Numbers({"a": 7}).next("a") == 8


def test_a_number_pinned_late_is_not_used_again() -> None:
    """A request was numbered, and its entity evicted and numbered again, before the writer decided it."""
    numbers = Numbers({}, entities_max=1)
    last = [numbers.next("a") for _ in range(5)][-1]
    for other in "bc":
        numbers.next(other)
    anew = numbers.next("a")

    numbers.keep("a", last)

    assert (last, anew, numbers.next("a")) == (5, 1, 6)
