"""operator.wrong_reversal: another repayment of the loan is reversed."""

from __future__ import annotations

import pytest

from mocklend.seams.repayment_reversal import RepaymentReversal
from mocklend.seams.signals import reversed_
from mocklend_faults.kinds.operator_wrong_reversal import WrongReversal
from support.events import example
from support.layer_harness import LayerHarness


@pytest.mark.parametrize(("line", "chosen"), [("first", "rpy_april"), ("last", "rpy_may")])
def test_another_repayment_of_the_loan_is_reversed(line: str, chosen: str) -> None:
    assert WrongReversal(line=line).repayment_reversal(example(RepaymentReversal)).repayment_id == chosen


def test_with_one_repayment_there_is_no_other_to_reverse() -> None:
    honest = example(RepaymentReversal, siblings=())

    assert WrongReversal().repayment_reversal(honest) == honest


def test_it_is_misapplied_until_the_reversal_is_reversed(harness: LayerHarness) -> None:
    harness.arm("line", "operator.wrong_reversal")

    harness.meet(example(RepaymentReversal, amount_minor=20_000))

    [entry] = harness.key()
    assert entry.to_json()["expected"] == {"class": "misapplied", "entity": "rev_ada", "amount_minor": 20_000}
    assert (entry.truth_after, entry.served) == ({"reversed": "rpy_twice"}, {"reversed": "rpy_april"})

    harness.hear(reversed_("rpy_april"))
    assert harness.statuses() == ["active"]

    harness.hear(reversed_("rev_ada"))
    assert harness.statuses() == ["healed"]
