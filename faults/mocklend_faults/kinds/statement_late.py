"""A channel's file of a day comes hours after its time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.statement_made import StatementMade
from mocklend_faults.engine.fault import Fault, setting

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class StatementLate(Fault):
    """The file job of the channel hangs, and at nine there is nothing to fetch.

    The night's batch is two hours behind, the file server is full, or it is the first of the month. A reconciliation
    that starts at half past nine all the same finds no file, takes that for a day on which nothing moved, and reports
    every receipt of yesterday as unknown to the channel. All of them are false. Wait for the file, or ask for it to be
    made; match nothing until it is there.
    """

    name: ClassVar[str] = "statement.late"
    finding: ClassVar[str] = "wrong_statement"
    precondition: ClassVar[str] = "Somebody asks for a file between its time and `late_hours` after it."
    symptom: ClassVar[Mapping[str, str]] = {"statement": "none yet, hours after its time"}
    heals: ClassVar[str] = "Time: `late_hours` after the file should have been there. Or its being made again."
    action: ClassVar[str] = "Wait, or ask the channel to make the file; report no break of that day before."

    late_hours: int = setting(6, "How long after its time the file can be fetched.", least=1, most=720)

    def statement_made(self, event: StatementMade) -> StatementMade:
        """It is ready later. Who asks when that is over, too, sees nothing of it."""
        ready_ms = event.due_ms + self.late_hours * HOUR_MS
        if event.spoiled or event.now_ms >= ready_ms:
            return event
        return replace(event, late_s=(ready_ms - event.due_ms) // 1000)
