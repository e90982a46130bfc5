"""The end-of-day batch stops half way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.batch_item import DUE_DATE, BatchItem
from mocklend_faults.engine.fault import Fault, setting


@dataclass(frozen=True, slots=True)
class BatchPartial(Fault):
    """The batch had processed six loans of ten when the database restarted, and nobody started it again.

    Its log ends in the middle of a line, and its exit code went to an unread mailbox. The loans that it processed are
    OVD and have their penalty; the others are still USING. Two borrowers who owe the same see different pages. The
    order is by loan id, so the same loans are left out every night. Compare the processed loans with those that were
    due, and catch up on the rest.
    """

    name: ClassVar[str] = "batch.partial"
    title: ClassVar[str] = "End of day stops half way"
    finding: ClassVar[str] = "left_behind"
    precondition: ClassVar[str] = "An instalment falls due and is not paid, of a loan late in the order of the batch."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "still USING",
        "list": "the same",
        "instalments": "no penalty",
        "books": "nothing posted for the past day",
        "webhook": "no `loan.overdue`",
        "report": "the account as it was before",
        "alerts": "a credit report that differs from the books",
    }
    heals: ClassVar[str] = "The next fact on the loan, the next complete batch at the latest; or catching up."
    action: ClassVar[str] = "Compare due dates with statuses; catch up on the loans that the batch left out."

    share_done_percent: int = setting(
        60,
        "The share of the loans that the batch processes, in percent.",
        least=0,
        most=99,
        title="Share of loans processed",
    )

    def batch_item(self, event: BatchItem) -> BatchItem:
        """Leave a loan out whose position in the batch is after the processed share."""
        reached = event.batch_position_percent < self.share_done_percent
        return event if event.batch != DUE_DATE or reached else replace(event, runs=0)
