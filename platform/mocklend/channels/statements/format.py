"""What a format is: how a statement's day becomes bytes, and how the bytes become a day again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mocklend.channels.statements.day import Heading, StatementDay


@dataclass(frozen=True, slots=True)
class Format:
    """One format. `carries` names the purposes that it has lines for.

    `read` is told which statement was asked for, since some files do not say it themselves; it raises
    MalformedStatement where the bytes are not that one.
    """

    id: str
    media_type: str
    charset: str
    extension: str
    carries: tuple[str, ...]
    write: Callable[[StatementDay], bytes]
    read: Callable[[bytes, Heading], StatementDay]
