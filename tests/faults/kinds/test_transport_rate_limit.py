"""transport.rate_limit: refused before anything is done."""

from __future__ import annotations

from mocklend_faults.kinds.transport_rate_limit import RateLimit
from support.events import Events


def test_a_request_is_refused_and_told_when_to_come_again(events: Events) -> None:
    happened = RateLimit(retry_after_s=7).api_answer(events.asked())

    assert (happened.answer_code, happened.retry_after_s, happened.before_work) == ("rate_limited", 7, True)


def test_what_is_refused_already_is_left_alone(events: Events) -> None:
    refused = events.asked(answer_code="unavailable", before_work=True)

    assert RateLimit().api_answer(refused) == refused
