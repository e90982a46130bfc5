"""A borrower opens a dispute, which operations staff have to handle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from mocklend.domain.finding import Finding
from mocklend.seams.ada import DAY_MS, MONDAY_MS
from mocklend.seams.edges import Edge
from mocklend.seams.seam import Consequence, Seam


@dataclass(frozen=True, slots=True)
class DisputeOpened(Seam):
    """A dispute is opened, and the time for its answer runs. Honestly staff can handle it at once (`queue_s` 0).

    `queue_s` is how long it waits before staff get to it. The finding is `deadline_missed` on the dispute, once the day
    of `answer_by_ms` has come.
    """

    seam: ClassVar[str] = "dispute.opened"
    edge: ClassVar[Edge] = Edge.PEOPLE_TO_BOOKS
    by_request: ClassVar[bool] = True
    entity_is: ClassVar[str] = "the dispute"
    occurrence_is: ClassVar[str] = "1: it is opened once"
    loan_id: str
    dispute_id: str
    claim: str
    answer_by_ms: int
    queue_s: int = 0

    @classmethod
    def example(cls) -> Self:
        """An honest event."""
        return cls(
            entity="dsp_ada",
            occurrence=1,
            now_ms=MONDAY_MS,
            loan_id="loan_ada",
            dispute_id="dsp_ada",
            claim="wrong_amount",
            currency="CNY",
            answer_by_ms=MONDAY_MS + 20 * DAY_MS,
        )

    def consequence(self, outcome: DisputeOpened) -> Consequence:
        """No answer by the day that the law requires, until staff get to the dispute."""
        taken_up_ms = self.now_ms + outcome.queue_s * 1000
        in_time = taken_up_ms <= self.answer_by_ms
        return Consequence(
            finding=Finding("deadline_missed", self.dispute_id, 0),
            loan_id=self.loan_id,
            truth_before={},
            truth_after={"answer_by_ms": self.answer_by_ms},
            served={"taken_up_ms": taken_up_ms},
            from_ms=self.answer_by_ms,
            until_ms=taken_up_ms,
            withstood="operations still have time to answer" if in_time else None,
        )
