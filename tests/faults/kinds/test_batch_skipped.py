"""The nightly run leaves a loan out."""

from __future__ import annotations

from typing import Any

from mocklend.seams import recorded
from mocklend_faults.kinds.batch_skipped import BatchSkipped


def test_the_run_does_not_come_to_it(events: Any) -> None:
    assert BatchSkipped().batch_item(events.item()).runs == 0


def test_debits_are_another_job(events: Any) -> None:
    debit = events.debit()

    assert BatchSkipped().batch_item(debit) is debit


def test_whatever_is_recorded_brings_it_up_to_the_day(floor: Any, events: Any) -> None:
    floor.arm("lock", "batch.skipped")
    floor.meet(events.item())
    [entry] = floor.key()
    assert (entry.status, entry.finding.finding_class, entry.finding.entity) == ("active", "left_behind", "loan_ada")

    floor.hear(recorded("loan_ada"))

    assert floor.statuses() == ["healed"]
