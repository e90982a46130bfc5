"""The bureau answers with the credit score of an earlier refresh."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.score_asked import ScoreAsked
from mocklend_faults.engine.fault import Fault, setting


@dataclass(frozen=True, slots=True)
class StickyNegative(Fault):
    """The monthly refresh of scores has left a borrower out.

    The correction was published in time, the 6th of the month has passed, and the score is still last month's: the
    batch ran out of time and skipped the borrower. For a day, the bureau repeats its answer to requests with the same
    transaction id. So the wrong score stays after the correction. Note the day of the refresh, and ask again after 24
    hours, with another transaction id.
    """

    name: ClassVar[str] = "score.sticky_negative"
    title: ClassVar[str] = "The score of an earlier refresh"
    finding: ClassVar[str] = "wrong_bureau"
    precondition: ClassVar[str] = "A score is requested with a transaction id, and differs from an earlier refresh."
    symptom: ClassVar[Mapping[str, str]] = {"score": "that of an earlier refresh"}
    heals: ClassVar[str] = "Time: the answer is repeated for 24 hours."
    action: ClassVar[str] = "Compare the score with the report at the refresh; ask again after 24 hours."

    refreshes_missed: int = setting(1, "How many refreshes old the score is.", least=1, most=3)

    def score_asked(self, event: ScoreAsked) -> ScoreAsked:
        """Answer with the score of an earlier refresh."""
        return replace(event, score=event.earlier[self.refreshes_missed - 1])
