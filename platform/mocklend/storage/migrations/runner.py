"""Runs the revisions that a database lacks. The only module that knows Alembic; loaded where there is one to run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from mocklend.storage.parts import PARTS

HERE = Path(__file__).parent


def scripts() -> ScriptDirectory:
    """The revisions of all installed parts: a branch for each, from its own first revision."""
    return ScriptDirectory(str(HERE), version_locations=[str(part.folder) for part in PARTS.values()])


def upgrade(connection: Connection) -> None:
    """Run what lacks for the present revision of each part, in the transaction that is open."""
    directory = scripts()

    def steps(came: Sequence[str], _context: MigrationContext) -> Any:
        ours = tuple(stamp for stamp in came if stamp.rpartition("_")[0] in PARTS)
        return directory._upgrade_revs(tuple(part.head for part in PARTS.values()), ours)  # type: ignore[arg-type]

    context = MigrationContext.configure(connection, opts={"fn": steps})
    with Operations.context(context):
        context.run_migrations()
