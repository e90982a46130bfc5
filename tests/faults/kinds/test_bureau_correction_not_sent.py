"""The repair stops at the books."""

from __future__ import annotations

from mocklend.seams.bureau_report import BureauReport
from mocklend.seams.signals import correction_ordered
from mocklend_faults.kinds.bureau_correction_not_sent import CorrectionNotSent
from support.events import example
from support.layer_harness import LayerHarness


def test_a_correction_is_not_sent() -> None:
    outcome = CorrectionNotSent().bureau_report(example(BureauReport, cause="correction", lag_s=60))

    assert (outcome.sent, outcome.lag_s) == (False, 0)


def test_an_ordinary_record_is_sent() -> None:
    for cause in ("change", "monthly"):
        assert CorrectionNotSent().bureau_report(example(BureauReport, cause=cause)).sent


def test_ordering_another_correction_supersedes_it(harness: LayerHarness) -> None:
    harness.arm("lost", "bureau.correction_not_sent")
    harness.meet(example(BureauReport, cause="correction"))
    harness.later(86_400)
    assert harness.statuses() == ["active"]

    harness.hear(correction_ordered("loan_ada"))

    assert harness.statuses() == ["superseded"]
