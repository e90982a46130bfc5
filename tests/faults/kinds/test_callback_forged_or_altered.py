"""A callback is altered on its way, and refused."""

from __future__ import annotations

import pytest

from mocklend.seams.callback_attempt import ALTERATIONS, CallbackAttempt
from mocklend.seams.signals import applied
from mocklend_faults.kinds.callback_forged_or_altered import ForgedOrAltered
from support.events import example
from support.layer_harness import LayerHarness


@pytest.mark.parametrize("how", ALTERATIONS)
def test_the_first_attempt_is_altered_and_the_second_is_not(how: str) -> None:
    fault = ForgedOrAltered(how=how)

    assert fault.callback_attempt(example(CallbackAttempt)).altered == how
    assert fault.callback_attempt(example(CallbackAttempt, occurrence=2)) == example(CallbackAttempt, occurrence=2)


def test_several_attempts_may_be_altered_and_each_is_on_record(harness: LayerHarness) -> None:
    harness.arm("forge", "callback.forged_or_altered", **{"with": {"attempts_altered": 2}})

    harness.meet(example(CallbackAttempt, occurrence=1, attempts_left=9))
    harness.meet(example(CallbackAttempt, occurrence=2, attempts_left=8))
    harness.meet(example(CallbackAttempt, occurrence=3, attempts_left=7))

    assert harness.statuses() == ["superseded", "active"]

    harness.hear(applied("rpy_ada"))

    assert harness.statuses() == ["superseded", "healed"]


def test_the_answer_key_says_how_the_callback_was_altered(harness: LayerHarness) -> None:
    harness.arm("forge", "callback.forged_or_altered", **{"with": {"how": "old_timestamp"}})

    harness.meet(example(CallbackAttempt))

    [entry] = harness.key()
    assert entry.to_json()["served"] == {"altered": "old_timestamp", "callback": "refused"}
    assert entry.to_json()["expected"]["class"] == "missing_in_books"
