"""A loan's auto-debit of a day is ordered twice."""

from __future__ import annotations

import pytest

from mocklend.seams.batch_item import BatchItem
from mocklend.seams.signals import applied, reversed_
from mocklend_faults.kinds.batch_twice import BatchTwice
from support.events import example, example_debit
from support.layer_harness import LayerHarness


def test_the_debit_is_ordered_twice() -> None:
    assert BatchTwice().batch_item(example_debit()).runs == 2


def test_an_end_of_day_item_is_not_repeated() -> None:
    item = example(BatchItem)

    assert BatchTwice().batch_item(item) is item


@pytest.mark.parametrize("ended", [reversed_("rpy_a"), reversed_("rpy_b"), applied("undone_rpy_a")])
def test_reversing_either_heals_it(harness: LayerHarness, ended: str) -> None:
    harness.arm("lock", "batch.twice")
    harness.meet(example_debit())
    [entry] = harness.key()
    assert (entry.status, entry.finding.entity, entry.finding.amount_minor) == ("active", "rpy_b", 9_500)

    harness.hear(ended)

    assert harness.statuses() == ["healed"]
