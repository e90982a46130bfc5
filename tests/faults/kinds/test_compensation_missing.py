"""A compensation is agreed, and not posted."""

from __future__ import annotations

from mocklend.seams.compensation_agreed import CompensationAgreed
from mocklend.seams.signals import posted
from mocklend_faults.kinds.compensation_missing import CompensationMissing
from support.events import example
from support.layer_harness import LayerHarness


def test_the_compensation_is_agreed_and_not_posted() -> None:
    assert not CompensationMissing().compensation_agreed(example(CompensationAgreed)).posted


def test_posting_the_compensation_heals_it(harness: LayerHarness) -> None:
    harness.arm("promise", "compensation.missing")
    harness.meet(example(CompensationAgreed))
    assert harness.statuses() == ["active"]

    harness.hear(posted("cmp_ada"))

    assert harness.statuses() == ["healed"]
