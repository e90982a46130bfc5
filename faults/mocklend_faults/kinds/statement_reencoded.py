"""A channel's file of a day is in another encoding than it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.statement_made import StatementMade
from mocklend_faults.engine.fault import Fault


@dataclass(frozen=True, slots=True)
class StatementReencoded(Fault):
    """Somebody has opened the file to have a look, and saved it.

    What was GBK is UTF-8 now and the other way round, the backticks before the numbers are gone, and the XML that
    announces UTF-8 is what an editor calls Unicode. To the eye it is the same file. A reader finds no column by its
    name; a lenient one finds some, and garbage in the others. Read it in the encoding that was agreed, or not at all,
    and have it made again.
    """

    name: ClassVar[str] = "statement.reencoded"
    finding: ClassVar[str] = "wrong_statement"
    precondition: ClassVar[str] = "Somebody asks for a channel's file of a day."
    symptom: ClassVar[Mapping[str, str]] = {"statement": "bytes that are not in the encoding that is announced"}
    heals: ClassVar[str] = "The channel's making the file again."
    action: ClassVar[str] = "Refuse what cannot be read as agreed; have the file made again."

    def statement_made(self, event: StatementMade) -> StatementMade:
        """It was saved as something else."""
        return event if event.spoiled else replace(event, recoded=True)
