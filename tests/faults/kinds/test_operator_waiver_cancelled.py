"""A waiver is reversed, and the status page still shows the loan with the waiver."""

from __future__ import annotations

import pytest

from mocklend.seams.view_refresh import ViewRefresh
from mocklend_faults.kinds.operator_waiver_cancelled import WaiverCancelled
from support.events import example
from support.layer_harness import LayerHarness

CLEAR = {"status": "CLEAR", "outstanding_minor": 0, "version": 4}
OWES_AGAIN = {"status": "USING", "outstanding_minor": 1_200, "version": 5}


def cancelled(**changes: object) -> ViewRefresh:
    honest = {"cause": "reversal", "occurrence": 5, "before": CLEAR, "after": OWES_AGAIN, "reverses": "WAIVE_FEE"}
    return example(ViewRefresh, **honest | changes)


@pytest.mark.parametrize("kind", ["WAIVE_FEE", "WAIVE_INTEREST", "WAIVE_PENALTY", "MODIFY_BILL_AMOUNT"])
def test_the_page_does_not_show_that_a_waiver_is_reversed(kind: str) -> None:
    assert WaiverCancelled().view_refresh(cancelled(reverses=kind)).lost


@pytest.mark.parametrize("kind", [None, "repayment", "CHARGE_FEE", "WRITE_OFF"])
def test_the_reversal_of_anything_else_is_shown(kind: str | None) -> None:
    event = cancelled(reverses=kind)

    assert WaiverCancelled().view_refresh(event) == event


def test_the_reversal_of_a_fee_is_shown() -> None:
    event = cancelled(reverses="MODIFY_BILL_AMOUNT", before=OWES_AGAIN, after=CLEAR)

    assert WaiverCancelled().view_refresh(event) == event


def test_the_page_is_behind_by_the_waived_amount(harness: LayerHarness) -> None:
    harness.arm("cancelled", "operator.waiver_cancelled")

    harness.meet(cancelled())

    [entry] = harness.key()
    assert entry.to_json()["expected"] == {"class": "stale_view", "entity": "loan_ada", "amount_minor": 1_200}
    assert (entry.served["status"], entry.until_ms) == ("CLEAR", None)
