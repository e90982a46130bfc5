"""Somebody asks for a credit score under a transaction id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mocklend.domain.finding import Finding
from mocklend.seams.seam import Consequence


@dataclass(frozen=True, slots=True)
class ScoreAsked:
    """A score is answered and remembered for a day. Honestly: the one of the last refresh.

    `earlier` are the scores of the refreshes before, newest first, made of what was published then; `none` stands for
    somebody of whom nothing was published yet.
    """

    seam: ClassVar[str] = "score.asked"
    entity: str  # the answer: a borrower under a transaction id
    occurrence: int  # the day on which it is made, counted from 1970
    now_ms: int
    borrower_id: str
    answer_id: str
    remembered_until_ms: int
    earlier: tuple[str, ...]
    currency: str = "CNY"
    score: str = "N/A"

    def consequence(self, happened: ScoreAsked) -> Consequence:
        """A score of another month, for as long as the answer is remembered."""
        return Consequence(
            finding=Finding("wrong_bureau", self.answer_id, 0),
            loan_id="",
            truth_before={},
            truth_after={"score": self.score},
            served={"score": happened.score},
            until_ms=self.remembered_until_ms,
        )
