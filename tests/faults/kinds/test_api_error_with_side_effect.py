"""api.error_with_side_effect: an error that did something."""

from __future__ import annotations

import pytest

from mocklend_faults.kinds.api_error_with_side_effect import ErrorWithSideEffect
from support.events import Events


@pytest.mark.parametrize("answer", ["internal_error", "conflict"])
def test_the_work_is_done_and_an_error_is_answered(events: Events, answer: str) -> None:
    happened = ErrorWithSideEffect(answer=answer).api_answer(events.asked())

    assert (happened.answer_code, happened.before_work) == (answer, False)


@pytest.mark.parametrize(("tries", "hit"), [(1, [1]), (2, [1, 2]), (None, [1, 2, 3])])
def test_as_many_tries_are_answered_so_as_it_is_told(events: Events, tries: int | None, hit: list[int]) -> None:
    fault = ErrorWithSideEffect(tries=tries)
    asked = [events.asked(occurrence=n) for n in (1, 2, 3)]

    assert [one.occurrence for one in asked if fault.api_answer(one) != one] == hit


def test_a_read_has_no_side_effect(events: Events) -> None:
    assert ErrorWithSideEffect().api_answer(events.looked()) == events.looked()


def test_what_is_refused_already_stays_so(events: Events) -> None:
    refused = events.asked(answer_code="unavailable", before_work=True)

    assert ErrorWithSideEffect().api_answer(refused) == refused
