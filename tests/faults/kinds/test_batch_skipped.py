"""The end-of-day batch leaves a loan out."""

from __future__ import annotations

from mocklend.seams.batch_item import BatchItem
from mocklend.seams.signals import recorded
from mocklend_faults.kinds.batch_skipped import BatchSkipped
from support.events import example, example_debit
from support.layer_harness import LayerHarness


def test_the_batch_leaves_the_loan_out() -> None:
    assert BatchSkipped().batch_item(example(BatchItem)).runs == 0


def test_debits_are_another_job() -> None:
    debit = example_debit()

    assert BatchSkipped().batch_item(debit) is debit


def test_any_new_fact_rolls_the_loan_forward(harness: LayerHarness) -> None:
    harness.arm("lock", "batch.skipped")
    harness.meet(example(BatchItem))
    [entry] = harness.key()
    assert (entry.status, entry.finding.finding_class, entry.finding.entity) == ("active", "left_behind", "loan_ada")

    harness.hear(recorded("loan_ada"))

    assert harness.statuses() == ["healed"]
