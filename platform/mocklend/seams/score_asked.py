"""A credit score is queried under a transaction id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from mocklend.domain.finding import Finding
from mocklend.seams.ada import DAY_MS, MONDAY_MS
from mocklend.seams.edges import Edge
from mocklend.seams.seam import Consequence, Seam


@dataclass(frozen=True, slots=True)
class ScoreAsked(Seam):
    """A score is answered under a transaction id, and remembered for a day. Honestly it is that of the last refresh.

    `earlier` are the scores of the refreshes before, newest first, from what was published then; `N/A` means that
    nothing about the borrower was published yet. The finding is `wrong_bureau` on the answer.
    """

    seam: ClassVar[str] = "score.asked"
    edge: ClassVar[Edge] = Edge.REPORT_TO_SCORE
    by_request: ClassVar[bool] = True
    entity_is: ClassVar[str] = "the answer: a borrower under a transaction id"
    occurrence_is: ClassVar[str] = "the day on which it is made, counted from 1970"
    borrower_id: str
    answer_id: str
    remembered_until_ms: int
    earlier: tuple[str, ...]
    score: str = "N/A"

    @classmethod
    def example(cls) -> Self:
        """An honest event."""
        return cls(
            entity="scq_ada",
            occurrence=20_000,
            now_ms=MONDAY_MS,
            borrower_id="brw_ada",
            answer_id="scq_ada",
            remembered_until_ms=MONDAY_MS + DAY_MS,
            earlier=("620", "640", "N/A"),
            score="700",
            currency="CNY",
        )

    def consequence(self, outcome: ScoreAsked) -> Consequence:
        """A score of an earlier month, for as long as the answer is remembered."""
        return Consequence(
            finding=Finding("wrong_bureau", self.answer_id, 0),
            loan_id="",
            truth_before={},
            truth_after={"score": self.score},
            served={"score": outcome.score},
            until_ms=self.remembered_until_ms,
        )
