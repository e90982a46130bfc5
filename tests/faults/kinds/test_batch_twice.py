"""The day's debit of a loan is ordered twice."""

from __future__ import annotations

from typing import Any

import pytest

from mocklend.seams import applied, reversed_
from mocklend_faults.kinds.batch_twice import BatchTwice


def test_what_is_due_is_ordered_twice(events: Any) -> None:
    assert BatchTwice().batch_item(events.debit()).runs == 2


def test_a_look_at_a_loan_twice_is_as_good_as_once(events: Any) -> None:
    item = events.item()

    assert BatchTwice().batch_item(item) is item


@pytest.mark.parametrize("ended", [reversed_("rpy_a"), reversed_("rpy_b"), applied("undone_rpy_a")])
def test_taking_either_back_heals_it(floor: Any, events: Any, ended: str) -> None:
    floor.arm("lock", "batch.twice")
    floor.meet(events.debit())
    [entry] = floor.key()
    assert (entry.status, entry.finding.entity, entry.finding.amount_minor) == ("active", "rpy_b", 9_500)

    floor.hear(ended)

    assert floor.statuses() == ["healed"]
