"""The report is behind for longer than it may be."""

from __future__ import annotations

from mocklend.seams.bureau_report import BureauReport
from mocklend_faults.kinds.bureau_lag import BureauLag
from support.events import example
from support.layer_harness import LayerHarness

DAY_S = 86_400


def test_a_record_is_published_a_week_later() -> None:
    assert BureauLag().bureau_report(example(BureauReport)).lag_s == 7 * DAY_S


def test_lags_add_up() -> None:
    assert BureauLag(lag_days=1).bureau_report(example(BureauReport, lag_s=60)).lag_s == DAY_S + 60


def test_a_record_that_is_not_sent_has_no_lag() -> None:
    lost = example(BureauReport, cause="correction", sent=False)

    assert BureauLag().bureau_report(lost) == lost


def test_the_injection_begins_after_the_normal_lag_and_ends_with_the_longer_one(harness: LayerHarness) -> None:
    harness.arm("late", "bureau.lag", **{"with": {"lag_days": 2}})
    harness.meet(example(BureauReport))

    assert harness.statuses() == ["pending"]
    harness.later(DAY_S)
    assert harness.statuses() == ["active"]
    harness.later(2 * DAY_S)
    assert harness.statuses() == ["healed"]
