"""A channel's file of a day has some rows twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.statement_made import StatementMade
from mocklend_faults.engine.fault import Fault, setting


@dataclass(frozen=True, slots=True)
class StatementDuplicatedRows(Fault):
    """The export was restarted, and begins again where it had begun.

    Its first rows stand at the end once more, and the totals were counted afterwards, so the file agrees with itself:
    nothing but the numbers of the orders shows that one payment is there twice. A reader that adds rows up finds the
    channel to have more than the books, and posts what is "missing". A trade's number is there once: refuse the file,
    or drop what repeats, and have it made again.
    """

    name: ClassVar[str] = "statement.duplicated_rows"
    finding: ClassVar[str] = "wrong_statement"
    precondition: ClassVar[str] = "Somebody asks for a file of a day on which something moved."
    symptom: ClassVar[Mapping[str, str]] = {"statement": "a row that is there twice, under one number"}
    heals: ClassVar[str] = "The channel's making the file again."
    action: ClassVar[str] = "One number, one row: post nothing twice; have the file made again."

    rows: int = setting(1, "How many of the first rows are repeated, where there are so many.", least=1, most=10_000)

    def statement_made(self, event: StatementMade) -> StatementMade:
        """The first rows come again. Where nothing moved, nothing can."""
        repeated = min(self.rows, event.rows)
        return event if event.spoiled or not repeated else replace(event, repeated_rows=repeated)
