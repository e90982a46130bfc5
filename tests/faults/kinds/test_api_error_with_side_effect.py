"""api.error_with_side_effect: the work is done and an error is answered."""

from __future__ import annotations

import pytest

from mocklend.seams.api_answer import ApiAnswer
from mocklend_faults.kinds.api_error_with_side_effect import ErrorWithSideEffect
from support.events import example, example_read


@pytest.mark.parametrize("answer", ["internal_error", "conflict"])
def test_the_work_is_done_and_an_error_is_answered(answer: str) -> None:
    outcome = ErrorWithSideEffect(answer=answer).api_answer(example(ApiAnswer))

    assert (outcome.answer_code, outcome.before_work) == (answer, False)


@pytest.mark.parametrize(("tries", "hit"), [(1, [1]), (2, [1, 2]), (None, [1, 2, 3])])
def test_the_set_number_of_tries_gets_the_error(tries: int | None, hit: list[int]) -> None:
    fault = ErrorWithSideEffect(tries=tries)
    answers = [example(ApiAnswer, occurrence=n) for n in (1, 2, 3)]

    assert [event.occurrence for event in answers if fault.api_answer(event) != event] == hit


def test_a_read_has_no_side_effect() -> None:
    assert ErrorWithSideEffect().api_answer(example_read()) == example_read()


def test_a_request_that_is_refused_anyway_stays_refused() -> None:
    refused = example(ApiAnswer, answer_code="unavailable", before_work=True)

    assert ErrorWithSideEffect().api_answer(refused) == refused
