"""A channel makes its statement of a day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from mocklend.domain.finding import Finding
from mocklend.domain.statuses import EntryStatus
from mocklend.seams.ada import MONDAY_MS
from mocklend.seams.edges import Edge
from mocklend.seams.seam import Consequence, Seam
from mocklend.seams.signals import remade


@dataclass(frozen=True, slots=True)
class StatementMade(Seam):
    """A channel makes its statement of a day, when it is first requested or requested to be made again.

    After that it stays the same, in all formats. Honestly it has all movements. It may be `late_s` late, end after
    `kept_percent` of its bytes, repeat its first `repeated_rows` at its end (its totals count them), or be written in
    another encoding than announced (`recoded`): one of these. The finding is `wrong_statement` on the file. A statement
    that is never requested has no injection.
    """

    seam: ClassVar[str] = "statement.made"
    edge: ClassVar[Edge] = Edge.CHANNEL_TO_STATEMENT
    by_request: ClassVar[bool] = True
    entity_is: ClassVar[str] = "the file: channel, day and currency"
    occurrence_is: ClassVar[str] = "how often the file was made, from 1"
    channel: str
    day: str
    rows: int
    due_ms: int
    late_s: int = 0
    kept_percent: int = 100
    repeated_rows: int = 0
    recoded: bool = False

    @classmethod
    def example(cls) -> Self:
        """An honest event."""
        return cls(
            entity="wallet.2026-01-04.CNY",
            occurrence=1,
            now_ms=MONDAY_MS,
            channel="wallet",
            day="2026-01-04",
            currency="CNY",
            rows=3,
            due_ms=MONDAY_MS - 3600000,
        )

    @property
    def spoiled(self) -> bool:
        """Whether something is wrong with the file already; only one thing can be."""
        return (self.late_s, self.kept_percent, self.repeated_rows, self.recoded) != (0, 100, 0, False)

    def consequence(self, outcome: StatementMade) -> Consequence:
        """A file that is missing or wrong, until it is ready or is made again."""
        late = outcome.late_s > 0
        served = {
            "late_s": outcome.late_s,
            "kept_percent": outcome.kept_percent,
            "repeated_rows": outcome.repeated_rows,
            "recoded": outcome.recoded,
        }
        return Consequence(
            finding=Finding("wrong_statement", self.entity, 0),
            loan_id="",
            truth_before={},
            truth_after={"rows": self.rows},
            served=served,
            ends_on={remade(self.entity): EntryStatus.HEALED},
            until_ms=self.due_ms + outcome.late_s * 1000 if late else None,
        )
