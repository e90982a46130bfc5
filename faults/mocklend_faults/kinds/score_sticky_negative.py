"""The score stays as it was, though what it is made of has changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.score_asked import ScoreAsked
from mocklend_faults.engine.fault import Fault, setting


@dataclass(frozen=True, slots=True)
class StickyNegative(Fault):
    """The monthly refresh has passed over somebody.

    The correction was published in time, the 6th has come and gone, and the score is still the one of last month: a
    job that ran out of time skips whom it skipped before. Asked again with the same transaction id the bureau even has
    to give the same answer, for a day. So a wrong record outlives its correction twice. Note the day of the refresh,
    and ask again after the memory is over, under another transaction id.
    """

    name: ClassVar[str] = "score.sticky_negative"
    finding: ClassVar[str] = "wrong_bureau"
    precondition: ClassVar[str] = "A score is asked for under a transaction id, and it has changed since."
    symptom: ClassVar[Mapping[str, str]] = {"score": "that of an earlier refresh"}
    heals: ClassVar[str] = "Time: the answer is remembered for 24 hours."
    action: ClassVar[str] = "Compare with what was published at the refresh; ask again after the memory is over."

    refreshes_missed: int = setting(1, "How many refreshes back the score is from.", least=1, most=3)

    def score_asked(self, event: ScoreAsked) -> ScoreAsked:
        """The score of an earlier refresh, where that was another one."""
        return replace(event, score=event.earlier[self.refreshes_missed - 1])
