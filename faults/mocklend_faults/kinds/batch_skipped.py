"""The end-of-day batch leaves a loan out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.batch_item import DUE_DATE, BatchItem
from mocklend_faults.engine.fault import Fault


@dataclass(frozen=True, slots=True)
class BatchSkipped(Fault):
    """The end-of-day batch does not process this loan after its due date.

    The previous run still held a lock, the scheduler was being moved, or one record raised an error and the batch went
    on with the next. The instalment was due yesterday and is not paid, but the page shows nothing overdue, no penalty
    is posted, and the borrower gets no reminder. The next batch for this loan is a month later. Compare the processed
    loans with those that were due, and catch up on the rest.
    """

    name: ClassVar[str] = "batch.skipped"
    title: ClassVar[str] = "End of day leaves a loan out"
    finding: ClassVar[str] = "left_behind"
    precondition: ClassVar[str] = "An instalment falls due and is not paid."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "still USING",
        "list": "the same",
        "instalments": "no penalty",
        "books": "nothing posted for the past day",
        "webhook": "no `loan.overdue`",
        "report": "the account as it was before",
        "alerts": "a credit report that differs from the books",
    }
    heals: ClassVar[str] = "The next fact on the loan, the next batch at the latest; or catching up."
    action: ClassVar[str] = "Compare due dates with statuses; catch up on the loans that the batch left out."

    def batch_item(self, event: BatchItem) -> BatchItem:
        """Leave the loan out of the batch."""
        return replace(event, runs=0) if event.batch == DUE_DATE else event
