"""A channel's file of a day breaks off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.statement_made import StatementMade
from mocklend_faults.engine.fault import Fault, setting


@dataclass(frozen=True, slots=True)
class StatementTruncated(Fault):
    """The disk was full, or the connection went: the file ends in the middle of a line.

    Nobody is told, since a file was written. What is lost is the end: the last rows, and with them the totals that
    would have said so. A reader that takes rows as they come reports every lost payment as unknown to the channel. Hold
    the totals and the number of rows against the file before matching a single row; have it made again.
    """

    name: ClassVar[str] = "statement.truncated"
    finding: ClassVar[str] = "wrong_statement"
    precondition: ClassVar[str] = "Somebody asks for a channel's file of a day."
    symptom: ClassVar[Mapping[str, str]] = {"statement": "a file that ends before its last rows and its totals"}
    heals: ClassVar[str] = "The channel's making the file again."
    action: ClassVar[str] = "Refuse the file, for its totals are missing; have it made again."

    kept_percent: int = setting(60, "How much of the file is there, counted in bytes.", least=0, most=99)

    def statement_made(self, event: StatementMade) -> StatementMade:
        """It breaks off."""
        return event if event.spoiled else replace(event, kept_percent=self.kept_percent)
