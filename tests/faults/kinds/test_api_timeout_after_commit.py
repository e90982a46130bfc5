"""api.timeout_after_commit: the work is done and the answer is lost."""

from __future__ import annotations

import pytest

from mocklend.seams.api_answer import ApiAnswer
from mocklend_faults.kinds.api_timeout_after_commit import TimeoutAfterCommit
from support.events import example, example_read


def test_the_work_is_done_and_the_answer_is_504() -> None:
    outcome = TimeoutAfterCommit().api_answer(example(ApiAnswer))

    assert (outcome.answer_code, outcome.before_work) == ("gateway_timeout", False)


def test_the_work_is_done_and_the_connection_is_closed() -> None:
    outcome = TimeoutAfterCommit(how="abort").api_answer(example(ApiAnswer))

    assert (outcome.break_how, outcome.before_work) == ("abort", False)


@pytest.mark.parametrize(("tries", "lost"), [(1, [1]), (2, [1, 2]), (None, [1, 2, 3])])
def test_the_set_number_of_tries_loses_its_answer(tries: int | None, lost: list[int]) -> None:
    fault = TimeoutAfterCommit(tries=tries)
    answers = [example(ApiAnswer, occurrence=n) for n in (1, 2, 3)]

    assert [event.occurrence for event in answers if fault.api_answer(event) != event] == lost


def test_a_read_and_a_refused_write_are_answered() -> None:
    refused = example(ApiAnswer, before_work=True, answer_code="unavailable")

    assert TimeoutAfterCommit().api_answer(example_read()) == example_read()
    assert TimeoutAfterCommit().api_answer(refused) == refused
