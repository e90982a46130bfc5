"""outage.brownout: late in any case, refused by chance."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mocklend.seams.api_answer import ApiAnswer
from mocklend_faults.kinds.outage_brownout import Brownout
from support.events import example, example_read


@given(draw=st.integers(0, 999_999), percent=st.integers(0, 100))
def test_every_answer_is_late_and_refused_requests_are_not_carried_out(draw: int, percent: int) -> None:
    outcome = Brownout(delay_ms=30, errors_percent=percent).api_answer(example(ApiAnswer, draw=draw))

    assert outcome.delay_ms == 30
    assert outcome.before_work == (outcome.answer_code == "unavailable")


def test_the_share_of_refusals_is_the_setting() -> None:
    fault = Brownout(errors_percent=20)

    refused = sum(fault.api_answer(example_read(draw=draw)).before_work for draw in range(1_000))

    assert refused == 200


def test_a_higher_share_refuses_all_that_a_lower_one_refuses() -> None:
    def refused(percent: int) -> set[int]:
        fault = Brownout(errors_percent=percent)
        return {draw for draw in range(500) if fault.api_answer(example_read(draw=draw)).before_work}

    assert refused(10) < refused(40)
    assert refused(0) == set()
