"""operator.prepay_as_partial: a payoff is booked as an ordinary repayment."""

from __future__ import annotations

import pytest

from mocklend.seams.receipt_booked import ReceiptBooked
from mocklend.seams.signals import applied, reversed_, taken_back
from mocklend_faults.kinds.operator_prepay_as_partial import PrepayAsPartial
from support.events import example
from support.layer_harness import LayerHarness


def test_a_payoff_becomes_an_ordinary_repayment() -> None:
    assert PrepayAsPartial().receipt_booked(example(ReceiptBooked)).scope == "INSTALMENT"


def test_an_ordinary_repayment_stays_one() -> None:
    honest = example(ReceiptBooked, scope="OVD_AND_CURRENT")

    assert PrepayAsPartial().receipt_booked(honest) == honest


@pytest.mark.parametrize(
    ("signal", "status"),
    [(applied("rpy_ada"), "healed"), (reversed_("rpy_ada"), "healed"), (taken_back("rpy_ada"), "superseded")],
)
def test_it_is_misapplied_until_it_is_rebooked_or_reversed(harness: LayerHarness, signal: str, status: str) -> None:
    harness.arm("line", "operator.prepay_as_partial")

    harness.meet(example(ReceiptBooked, amount_minor=100_045))

    [entry] = harness.key()
    assert entry.to_json()["expected"] == {"class": "misapplied", "entity": "rpy_ada", "amount_minor": 100_045}
    assert (entry.truth_after["type"], entry.served["type"]) == ("CLEAR", "INSTALMENT")

    harness.hear(signal)

    assert harness.statuses() == [status]
