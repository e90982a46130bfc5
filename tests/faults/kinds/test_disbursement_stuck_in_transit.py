"""A loan is granted, and its payout never arrives."""

from __future__ import annotations

import pytest

from mocklend.seams.signals import closed
from mocklend_faults.kinds.disbursement_stuck_in_transit import StuckInTransit
from support.events import Events
from support.layer_harness import LayerHarness


def test_a_disbursement_is_neither_paid_nor_refused(events: Events) -> None:
    assert not StuckInTransit().payout_settled(events.payout()).confirmed


@pytest.mark.parametrize("purpose", ["refund", "compensation"])
def test_money_promised_back_is_paid(events: Events, purpose: str) -> None:
    promised = events.payout(purpose=purpose)

    assert StuckInTransit().payout_settled(promised) is promised


def test_the_channels_last_word_heals_it(floor: LayerHarness, events: Events) -> None:
    floor.arm("switch", "disbursement.stuck_in_transit")
    floor.meet(events.payout())
    [entry] = floor.key()
    assert (entry.status, entry.finding.entity) == ("active", "out_ada")

    floor.hear(closed("out_ada"))

    assert floor.statuses() == ["healed"]
