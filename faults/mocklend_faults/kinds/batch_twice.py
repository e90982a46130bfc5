"""The day's debit of a loan is ordered twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.batch_item import AUTO_DEBIT, BatchItem
from mocklend_faults.engine.fault import Fault


@dataclass(frozen=True, slots=True)
class BatchTwice(Fault):
    """Two servers hold the lock, and both run the debits of the day.

    One was thought dead and was merely slow. Each orders what is due, under a number of its own; the channel has two
    good orders and takes both. Ada pays her instalment twice within a second. The books have it all: the second one
    went into her principal, or came out as too much, and nothing in them is wrong. What tells is that a loan has one
    debit an attempt. Reverse one of the two, and give the money back.
    """

    name: ClassVar[str] = "batch.twice"
    finding: ClassVar[str] = "duplicate_in_channel"
    precondition: ClassVar[str] = "A loan with auto-debit has something due."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "one instalment more paid than was due",
        "list": "the same",
        "instalments": "the same",
        "books": "two receipts for one debit",
        "statement": "two rows of one amount in one second",
        "webhook": "two repayments that succeeded",
    }
    heals: ClassVar[str] = "Reversing one of the two."
    action: ClassVar[str] = "One debit an attempt: reverse the other, and pay it back."

    def batch_item(self, event: BatchItem) -> BatchItem:
        """What is due is ordered twice. A look at a loan twice is as good as once."""
        return replace(event, runs=2) if event.batch == AUTO_DEBIT else event
