"""transport.rate_limit: refused before anything is done."""

from __future__ import annotations

from mocklend.seams.api_answer import ApiAnswer
from mocklend_faults.kinds.transport_rate_limit import RateLimit
from support.events import example


def test_a_request_is_refused_with_a_time_to_retry_after() -> None:
    outcome = RateLimit(retry_after_s=7).api_answer(example(ApiAnswer))

    assert (outcome.answer_code, outcome.retry_after_s, outcome.before_work) == ("rate_limited", 7, True)


def test_a_request_that_is_refused_anyway_is_unchanged() -> None:
    refused = example(ApiAnswer, answer_code="unavailable", before_work=True)

    assert RateLimit().api_answer(refused) == refused
