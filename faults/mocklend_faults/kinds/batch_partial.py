"""The end-of-day batch stops half way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.batch_item import DUE_DATE, BatchItem
from mocklend_faults.engine.fault import Fault, setting


@dataclass(frozen=True, slots=True)
class BatchPartial(Fault):
    """The job was through with six loans of ten when the database restarted, and nobody started it again.

    Its log ends in the middle of a line, its exit code went to a mailbox. Loans whose turn had come say OVD and have
    their penalty; the others say USING. Two borrowers who owe the same see different pages. Which half a loan is in
    goes by its id, so it is the same half each night. Count what a run has done against what was due, and catch up on
    the rest.
    """

    name: ClassVar[str] = "batch.partial"
    finding: ClassVar[str] = "left_behind"
    precondition: ClassVar[str] = "An instalment falls due and is not paid, of a loan that comes late in the run."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "still USING",
        "list": "the same",
        "instalments": "no penalty",
        "books": "nothing posted for the day that is over",
        "webhook": "no word that the loan is overdue",
        "report": "the account as it was",
        "alerts": "a credit report that is not what the books come to",
    }
    heals: ClassVar[str] = "Anything that is recorded on the loan, the next whole run at the latest; or catching up."
    action: ClassVar[str] = "Hold the due dates against the statuses; catch up on what the run has left out."

    share_done_percent: int = setting(60, "How far the run comes before it breaks off.", least=0, most=99)

    def batch_item(self, event: BatchItem) -> BatchItem:
        """The run does not come to those whose place is after the share that it does."""
        reached = event.batch_position_percent < self.share_done_percent
        return event if event.batch != DUE_DATE or reached else replace(event, runs=0)
