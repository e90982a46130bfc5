"""A status override does not end when a later payment contradicts it."""

from __future__ import annotations

import pytest

from mocklend.seams.override_outdated import OverrideOutdated
from mocklend.seams.signals import recorded, reversed_
from mocklend_faults.kinds.operator_manual_override_sticky import ManualOverrideSticky
from support.events import example
from support.layer_harness import LayerHarness

STICKY = "operator.manual_override_sticky"


@pytest.mark.parametrize(
    ("marked", "books"), [("OVD", "USING"), ("OVD", "CLEAR"), ("USING", "OVD"), ("CLEAR", "USING")]
)
def test_the_status_override_stays_whatever_is_posted_later(marked: str, books: str) -> None:
    assert (
        not ManualOverrideSticky()
        .override_outdated(example(OverrideOutdated, override_status=marked, books_status=books))
        .dropped
    )


def test_the_answer_key_has_the_status_that_is_shown_and_the_one_that_is_true(harness: LayerHarness) -> None:
    harness.arm("sticky", STICKY)

    harness.meet(example(OverrideOutdated))

    [entry] = harness.key()
    assert entry.to_json()["expected"] == {"class": "status_mismatch", "entity": "loan_ada", "amount_minor": 0}
    assert (entry.truth_after, entry.served) == ({"status": "USING"}, {"status": "OVD"})


def test_reversing_the_edit_heals_it(harness: LayerHarness) -> None:
    harness.arm("sticky", STICKY)
    harness.meet(example(OverrideOutdated))

    harness.hear(reversed_("edt_ada"), recorded("loan_ada"))

    assert harness.statuses() == ["healed"]


def test_each_later_fact_is_another_injection_on_the_same_loan(harness: LayerHarness) -> None:
    harness.arm("sticky", STICKY)
    harness.meet(example(OverrideOutdated))

    harness.hear(recorded("loan_ada"))
    harness.meet(example(OverrideOutdated, occurrence=5, books_status="CLEAR"))

    assert harness.statuses() == ["superseded", "active"]
