"""outage.full: what is refused, and what is not."""

from __future__ import annotations

from mocklend.seams.api_answer import ApiAnswer
from mocklend_faults.kinds.outage_full import FullOutage
from support.events import example, example_read


def test_a_write_is_refused_with_nothing_done() -> None:
    outcome = FullOutage(retry_after_s=5).api_answer(example(ApiAnswer))

    assert (outcome.answer_code, outcome.retry_after_s, outcome.before_work) == ("unavailable", 5, True)


def test_a_read_is_refused_too() -> None:
    assert FullOutage().api_answer(example_read()).answer_code == "unavailable"


def test_a_request_that_is_refused_anyway_is_unchanged() -> None:
    refused = example(ApiAnswer, answer_code="rate_limited", before_work=True)

    assert FullOutage().api_answer(refused) == refused
