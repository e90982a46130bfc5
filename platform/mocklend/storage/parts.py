"""The parts of the schema: the platform's tables, and those that a layer brings. Each part has revisions of its own.

A database says in `alembic_version` which revision each part is at, one row a part: `platform_0001`, `faults_0001`. A
part without a row is not there yet. Rows of parts that are not installed are left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

VERSIONS = "alembic_version"
READ_VERSIONS = "SELECT version_num FROM alembic_version"
MAKE_VERSIONS = (
    "CREATE TABLE IF NOT EXISTS alembic_version "
    "(version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
)
"""As Alembic makes it."""


class NewerVersion(Exception):
    """A part of the database is at a revision that this version does not know: `came`; it knows up to `expected`."""

    def __init__(self, part: str, came: str, expected: str) -> None:
        super().__init__(f"{part}: {came}, not {expected}")
        self.part, self.came, self.expected = part, came, expected


@dataclass(frozen=True, slots=True)
class SchemaPart:
    """Some tables, and the revisions that lead to them. A revision is named after its part: `platform_0001`."""

    name: str
    folder: Path  # of the revisions' scripts
    revisions: tuple[str, ...]  # from the first to the present one
    tables: frozenset[str]

    @property
    def head(self) -> str:
        """The present revision."""
        return self.revisions[-1]


PARTS: dict[str, SchemaPart] = {}
"""By name: the parts that are installed."""


def register_part(part: SchemaPart) -> None:
    """Add a part. Its tables are declared by then."""
    PARTS[part.name] = part


def loose_tables(tables: Iterable[str]) -> list[str]:
    """The tables that belong to no part: somebody's own, without revisions."""
    return [table for table in tables if not any(table in part.tables for part in PARTS.values())]


def versions_by_part(stamps: Iterable[str]) -> Mapping[str, str]:
    """The revision of each installed part that is there. Raises NewerVersion."""
    versions = {}
    for stamp in stamps:
        part = PARTS.get(stamp.rpartition("_")[0])
        if part is None:
            continue
        if stamp not in part.revisions:
            raise NewerVersion(part.name, stamp, part.head)
        versions[part.name] = stamp
    return versions


def is_present(versions: Mapping[str, str]) -> bool:
    """Whether every installed part is at its present revision."""
    return all(versions.get(part.name) == part.head for part in PARTS.values())
