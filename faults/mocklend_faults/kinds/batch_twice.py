"""A loan's auto-debit of a day is ordered twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.batch_item import AUTO_DEBIT, BatchItem
from mocklend_faults.engine.fault import Fault


@dataclass(frozen=True, slots=True)
class BatchTwice(Fault):
    """Two servers hold the lock, and both run the auto-debits of the day.

    One was considered dead but was only slow. Each orders what is due, under a number of its own; the channel has two
    valid orders and debits both. Ada pays her instalment twice within a second. The books contain both payments
    correctly: the second one has reduced her principal, or is overpaid. The sign of the fault is that there is more
    than one debit per attempt. Reverse one of the two, and refund it.
    """

    name: ClassVar[str] = "batch.twice"
    title: ClassVar[str] = "End of day debits twice"
    finding: ClassVar[str] = "duplicate_in_channel"
    precondition: ClassVar[str] = "A loan with auto-debit has something due."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "one instalment more paid than due",
        "list": "the same",
        "instalments": "the same",
        "books": "two receipts for one debit",
        "statement": "two rows with the same amount and second",
        "webhook": "two repayments that succeeded",
    }
    heals: ClassVar[str] = "Reversing one of the two."
    action: ClassVar[str] = "One debit per attempt: reverse the other, and refund it."

    def batch_item(self, event: BatchItem) -> BatchItem:
        """Run the auto-debit twice. Running the rest of the batch twice has no effect."""
        return replace(event, runs=2) if event.batch == AUTO_DEBIT else event
