"""A format: writes a statement's day as bytes, and reads the bytes as a day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mocklend.channels.statements.day import Heading, StatementDay


@dataclass(frozen=True, slots=True)
class Format:
    """One format. `carries` has the purposes for which it has lines.

    `read` gets the requested heading, since some files do not contain it; it raises MalformedStatement if the bytes are
    not that statement.
    """

    id: str
    media_type: str
    charset: str
    extension: str
    carries: tuple[str, ...]
    write: Callable[[StatementDay], bytes]
    read: Callable[[bytes, Heading], StatementDay]
