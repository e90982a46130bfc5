"""A callback is altered on its way, and refused."""

from __future__ import annotations

import pytest

from mocklend.seams.callback_attempt import ALTERATIONS
from mocklend.seams.signals import applied
from mocklend_faults.kinds.callback_forged_or_altered import ForgedOrAltered
from support.events import Events
from support.layer_harness import LayerHarness


@pytest.mark.parametrize("how", ALTERATIONS)
def test_the_first_attempt_is_altered_and_the_second_is_not(events: Events, how: str) -> None:
    fault = ForgedOrAltered(how=how)

    assert fault.callback_attempt(events.attempt()).altered == how
    assert fault.callback_attempt(events.attempt(occurrence=2)) == events.attempt(occurrence=2)


def test_several_attempts_may_be_altered_and_each_is_on_record(floor: LayerHarness, events: Events) -> None:
    floor.arm("forge", "callback.forged_or_altered", **{"with": {"attempts_altered": 2}})

    floor.meet(events.attempt(occurrence=1, attempts_left=9))
    floor.meet(events.attempt(occurrence=2, attempts_left=8))
    floor.meet(events.attempt(occurrence=3, attempts_left=7))

    assert floor.statuses() == ["superseded", "active"]

    floor.hear(applied("rpy_ada"))

    assert floor.statuses() == ["superseded", "healed"]


def test_the_answer_key_says_how(floor: LayerHarness, events: Events) -> None:
    floor.arm("forge", "callback.forged_or_altered", **{"with": {"how": "old_timestamp"}})

    floor.meet(events.attempt())

    [entry] = floor.key()
    assert entry.to_json()["served"] == {"altered": "old_timestamp", "callback": "refused"}
    assert entry.to_json()["expected"]["class"] == "missing_in_books"
