"""outage.dependency: what needs the channel is refused, all else is not."""

from __future__ import annotations

import pytest

from mocklend.domain.channel import channels
from mocklend.seams.api_answer import ApiAnswer
from mocklend_faults.kinds.outage_dependency import CHANNELS, DependencyOutage
from support.events import example, example_read


def test_the_channels_of_the_setting_are_those_of_the_platform() -> None:
    assert set(CHANNELS) == {"any", *channels()}


@pytest.mark.parametrize("channel", ["any", "wallet"])
def test_an_order_at_a_channel_that_is_down_is_refused(channel: str) -> None:
    outcome = DependencyOutage(channel=channel).api_answer(example(ApiAnswer))

    assert (outcome.answer_code, outcome.before_work) == ("unavailable", True)


def test_other_channels_and_requests_without_a_channel_work() -> None:
    fault = DependencyOutage(channel="bill_pay")

    assert fault.api_answer(example(ApiAnswer)) == example(ApiAnswer)
    assert DependencyOutage().api_answer(example_read()) == example_read()
