"""The score stays as it was."""

from __future__ import annotations

from mocklend_faults.kinds.score_sticky_negative import StickyNegative
from support.events import Events
from support.layer_harness import LayerHarness


def test_the_score_is_that_of_the_refresh_before(events: Events) -> None:
    assert StickyNegative().score_asked(events.score_asked()).score == "620"
    assert StickyNegative(refreshes_missed=3).score_asked(events.score_asked()).score == "N/A"


def test_a_score_that_has_not_changed_is_no_lie(floor: LayerHarness, events: Events) -> None:
    floor.arm("stuck", "score.sticky_negative")

    floor.meet(events.score_asked(earlier=("700", "640", "N/A")))

    assert floor.key() == []


def test_the_lie_lasts_as_long_as_the_answer_is_remembered(floor: LayerHarness, events: Events) -> None:
    floor.arm("stuck", "score.sticky_negative")
    floor.meet(events.score_asked())
    assert floor.statuses() == ["active"]

    floor.later(86_400)

    assert floor.statuses() == ["healed"]
