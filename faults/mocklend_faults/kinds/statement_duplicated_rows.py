"""A channel's statement of a day contains some rows twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.statement_made import StatementMade
from mocklend_faults.engine.fault import Fault, setting


@dataclass(frozen=True, slots=True)
class StatementDuplicatedRows(Fault):
    """The export was restarted, and writes its first rows again.

    They are repeated at the end, and the totals include them, so the file is consistent: only the repeated trade
    numbers show the error. A reconciler that adds up the rows finds more money at the channel than on the books, and
    posts the "missing" payments. A trade number occurs once: refuse the file, or ignore repeated rows, and have the
    statement made again.
    """

    name: ClassVar[str] = "statement.duplicated_rows"
    title: ClassVar[str] = "Statement: rows twice"
    finding: ClassVar[str] = "wrong_statement"
    precondition: ClassVar[str] = "A statement is requested of a day with at least one payment."
    symptom: ClassVar[Mapping[str, str]] = {"statement": "a row that occurs twice, with one number"}
    heals: ClassVar[str] = "The channel makes the statement again."
    action: ClassVar[str] = "One number, one row: post nothing twice; have the statement made again."

    rows: int = setting(
        1, "How many of the first rows are repeated, at most.", least=1, most=10_000, title="Rows repeated"
    )

    def statement_made(self, event: StatementMade) -> StatementMade:
        """Repeat the first rows. A statement without rows is not changed."""
        repeated = min(self.rows, event.rows)
        return event if event.spoiled or not repeated else replace(event, repeated_rows=repeated)
