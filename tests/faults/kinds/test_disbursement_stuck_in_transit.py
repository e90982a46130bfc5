"""A loan is granted, and its payout never arrives."""

from __future__ import annotations

import pytest

from mocklend.seams.payout_settled import PayoutSettled
from mocklend.seams.signals import closed
from mocklend_faults.kinds.disbursement_stuck_in_transit import StuckInTransit
from support.events import example
from support.layer_harness import LayerHarness


def test_a_disbursement_is_neither_paid_nor_refused() -> None:
    assert not StuckInTransit().payout_settled(example(PayoutSettled)).confirmed


@pytest.mark.parametrize("purpose", ["refund", "compensation"])
def test_refunds_and_compensations_are_paid(purpose: str) -> None:
    promised = example(PayoutSettled, purpose=purpose)

    assert StuckInTransit().payout_settled(promised) is promised


def test_the_channels_final_answer_heals_it(harness: LayerHarness) -> None:
    harness.arm("switch", "disbursement.stuck_in_transit")
    harness.meet(example(PayoutSettled))
    [entry] = harness.key()
    assert (entry.status, entry.finding.entity) == ("active", "out_ada")

    harness.hear(closed("out_ada"))

    assert harness.statuses() == ["healed"]
