"""The score stays as it was."""

from __future__ import annotations

from mocklend.seams.score_asked import ScoreAsked
from mocklend_faults.kinds.score_sticky_negative import StickyNegative
from support.events import example
from support.layer_harness import LayerHarness


def test_the_score_is_that_of_the_refresh_before() -> None:
    assert StickyNegative().score_asked(example(ScoreAsked)).score == "620"
    assert StickyNegative(refreshes_missed=3).score_asked(example(ScoreAsked)).score == "N/A"


def test_a_score_that_has_not_changed_is_no_injection(harness: LayerHarness) -> None:
    harness.arm("stuck", "score.sticky_negative")

    harness.meet(example(ScoreAsked, earlier=("700", "640", "N/A")))

    assert harness.key() == []


def test_the_injection_lasts_as_long_as_the_answer_is_cached(harness: LayerHarness) -> None:
    harness.arm("stuck", "score.sticky_negative")
    harness.meet(example(ScoreAsked))
    assert harness.statuses() == ["active"]

    harness.later(86_400)

    assert harness.statuses() == ["healed"]
