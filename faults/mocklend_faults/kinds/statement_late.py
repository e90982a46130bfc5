"""A channel's statement of a day is ready hours late."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.statement_made import StatementMade
from mocklend_faults.engine.fault import Fault, setting

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class StatementLate(Fault):
    """The channel's statement job hangs, and at nine there is no file.

    The night's batch is two hours late, the file server is full, or it is the first of the month. A reconciler that
    runs at half past nine finds no file, takes the day for one without payments, and reports every receipt of yesterday
    as unknown to the channel. All these findings are false. Wait for the statement, or have it made; match nothing
    before.
    """

    name: ClassVar[str] = "statement.late"
    title: ClassVar[str] = "Statement: late"
    finding: ClassVar[str] = "wrong_statement"
    precondition: ClassVar[str] = "A statement is requested between its time and `late_hours` after it."
    symptom: ClassVar[Mapping[str, str]] = {"statement": "none yet, hours after its time"}
    heals: ClassVar[str] = "Time: `late_hours` after its time; or the channel makes the statement again."
    action: ClassVar[str] = "Wait, or have the statement made again; report no break of that day before."

    late_hours: int = setting(
        6, "How many hours after its time the statement is ready.", least=1, most=720, title="Late by"
    )

    def statement_made(self, event: StatementMade) -> StatementMade:
        """Make the statement ready later. A request after that time is not affected."""
        ready_ms = event.due_ms + self.late_hours * HOUR_MS
        if event.spoiled or event.now_ms >= ready_ms:
            return event
        return replace(event, late_s=(ready_ms - event.due_ms) // 1000)
