"""The end-of-day batch leaves a loan out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.batch_item import DUE_DATE, BatchItem
from mocklend_faults.engine.fault import Fault


@dataclass(frozen=True, slots=True)
class BatchSkipped(Fault):
    """The job that looks at loans after their due dates does not come to this one.

    A lock was still held by the run before, the scheduler had moved house, or one odd record threw and the job went on
    with the next. The instalment was due yesterday and nobody has paid; the page says that all is well, no penalty is
    posted, and the borrower gets no reminder. The next run would find it, in a month. Count what a run has done
    against what was due, and catch up on the rest.
    """

    name: ClassVar[str] = "batch.skipped"
    finding: ClassVar[str] = "left_behind"
    precondition: ClassVar[str] = "An instalment falls due and is not paid."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "still USING",
        "list": "the same",
        "instalments": "no penalty",
        "books": "nothing posted for the day that is over",
        "webhook": "no word that the loan is overdue",
        "report": "the account as it was",
        "alerts": "a credit report that is not what the books come to",
    }
    heals: ClassVar[str] = "Anything that is recorded on the loan, the next run at the latest; or catching up."
    action: ClassVar[str] = "Hold the due dates against the statuses; catch up on what the run has left out."

    def batch_item(self, event: BatchItem) -> BatchItem:
        """The run does not come to it."""
        return replace(event, runs=0) if event.batch == DUE_DATE else event
