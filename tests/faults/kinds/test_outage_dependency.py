"""outage.dependency: what needs the channel is refused, all else is not."""

from __future__ import annotations

import pytest

from mocklend.domain.channel import channels
from mocklend_faults.kinds.outage_dependency import CHANNELS, DependencyOutage
from support.events import Events


def test_its_channels_are_those_of_the_platform() -> None:
    assert set(CHANNELS) == {"any", *channels()}


@pytest.mark.parametrize("channel", ["any", "wallet"])
def test_an_order_at_a_channel_that_is_down_is_refused(events: Events, channel: str) -> None:
    happened = DependencyOutage(channel=channel).api_answer(events.asked())

    assert (happened.answer_code, happened.before_work) == ("unavailable", True)


def test_another_channel_and_whatever_needs_none_work(events: Events) -> None:
    fault = DependencyOutage(channel="bill_pay")

    assert fault.api_answer(events.asked()) == events.asked()
    assert DependencyOutage().api_answer(events.looked()) == events.looked()
