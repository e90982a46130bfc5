"""A borrower's dispute reaches the desk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mocklend.domain.finding import Finding
from mocklend.seams.seam import Consequence


@dataclass(frozen=True, slots=True)
class DisputeOpened:
    """A dispute is on record and its clock runs. Honestly: the desk can take it up at once (`queue_s` 0)."""

    seam: ClassVar[str] = "dispute.opened"
    entity: str  # the dispute
    occurrence: int  # 1: it is opened once
    now_ms: int
    loan_id: str
    dispute_id: str
    claim: str
    currency: str
    answer_by_ms: int
    queue_s: int = 0

    def consequence(self, happened: DisputeOpened) -> Consequence:
        """No answer by the day on which the law wants one, until the desk gets to it."""
        taken_up_ms = self.now_ms + happened.queue_s * 1000
        in_time = taken_up_ms <= self.answer_by_ms
        return Consequence(
            finding=Finding("deadline_missed", self.dispute_id, 0),
            loan_id=self.loan_id,
            truth_before={},
            truth_after={"answer_by_ms": self.answer_by_ms},
            served={"taken_up_ms": taken_up_ms},
            from_ms=self.answer_by_ms,
            until_ms=taken_up_ms,
            withstood="the desk still has time to answer" if in_time else None,
        )
