"""A channel's statement of a day is in another encoding than it declares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.statement_made import StatementMade
from mocklend_faults.engine.fault import Fault


@dataclass(frozen=True, slots=True)
class StatementReencoded(Fault):
    """A clerk has opened the file in an editor and saved it.

    GBK has become UTF-8 or the other way round, the backticks before the numbers are gone, and the XML that declares
    UTF-8 is UTF-16. In the editor it looks the same. A strict reader finds no column by its name; a lenient one finds
    some, and garbage in the others. Read the file in the agreed encoding or not at all, and have it made again.
    """

    name: ClassVar[str] = "statement.reencoded"
    title: ClassVar[str] = "Statement: wrong encoding"
    finding: ClassVar[str] = "wrong_statement"
    precondition: ClassVar[str] = "A channel's statement of a day is requested."
    symptom: ClassVar[Mapping[str, str]] = {"statement": "bytes that are not in the declared encoding"}
    heals: ClassVar[str] = "The channel makes the statement again."
    action: ClassVar[str] = "Refuse a file that is not in the agreed encoding; have the statement made again."

    def statement_made(self, event: StatementMade) -> StatementMade:
        """Change the encoding."""
        return event if event.spoiled else replace(event, recoded=True)
