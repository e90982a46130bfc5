"""A channel's statement of a day ends too early."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.statement_made import StatementMade
from mocklend_faults.engine.fault import Fault, setting


@dataclass(frozen=True, slots=True)
class StatementTruncated(Fault):
    """The disk was full, or the connection was lost: the file ends in the middle of a line.

    No error is reported, because a file was written. The last rows are missing, and with them the totals that would
    show it. A reconciler that reads row by row reports every missing payment as unknown to the channel. Check the
    totals and the number of rows before matching any row; have the statement made again.
    """

    name: ClassVar[str] = "statement.truncated"
    title: ClassVar[str] = "Statement: cut off"
    finding: ClassVar[str] = "wrong_statement"
    precondition: ClassVar[str] = "A channel's statement of a day is requested."
    symptom: ClassVar[Mapping[str, str]] = {"statement": "a file that ends before its last rows and its totals"}
    heals: ClassVar[str] = "The channel makes the statement again."
    action: ClassVar[str] = "Refuse the file, because its totals are missing; have the statement made again."

    kept_percent: int = setting(
        60, "The share of the file's bytes that is kept, in percent.", least=0, most=99, title="Share of the file kept"
    )

    def statement_made(self, event: StatementMade) -> StatementMade:
        """Keep only the beginning of the file."""
        return event if event.spoiled else replace(event, kept_percent=self.kept_percent)
