"""Emptying a sandbox, for a reset or a deletion, in portions: other sandboxes write in between.

        its row moves from `sandboxes` to `emptying` ─▶ its other rows are deleted, in portions ─▶ its row returns
              one commit: nobody sees it any more          each in a commit of its own          after a reset, in the
                                                                                                commit of the last one

Nobody reads rows of a sandbox that has no row in `sandboxes`, and no command is decided in it. So a sandbox is full or
empty, and never something between, also if the process dies meanwhile: the rest is deleted later. A small sandbox is
emptied in one commit.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection

from mocklend.sandboxes import lifecycle
from mocklend.sandboxes.page_epochs import next_epoch
from mocklend.storage.schema import metadata
from mocklend.storage.snapshot import SandboxReader, server_rows
from mocklend.storage.statements import run_one
from mocklend.storage.tables import as_json
from mocklend.storage.work import Sandbox

PORTION_FIRST = 1_000
"""How many rows the first portion deletes, while it is not known how long that takes."""
PORTION_MIN, PORTION_MAX = 100, 50_000

TAKE_AWAY = "DELETE FROM sandboxes WHERE id = :sandbox_id"
INSERT = "INSERT INTO emptying (id, key_hash, after_reset) VALUES (:id, :key_hash, :after_reset)"
REMOVE = "DELETE FROM emptying WHERE id = :id"
LEFT = "SELECT id FROM emptying ORDER BY id"
WAITING = "SELECT after_reset FROM emptying WHERE id = :id"


class _Waiting(NamedTuple):
    after_reset: str | None


def begin(connection: Connection, sandbox: Sandbox, *, returns: bool) -> bool:
    """Take a sandbox away, and delete its first rows. Returns whether it is empty, and has returned if it `returns`."""
    # First, and on PostgreSQL this waits for the commits of other processes: what they wrote is seen below.
    run_one(connection, TAKE_AWAY, sandbox_id=sandbox.id)
    after_reset = _after_reset(sandbox) if returns else None
    if _delete(connection, sandbox.id, PORTION_FIRST):
        if after_reset is not None:
            lifecycle.create(connection, after_reset)
        return True
    text = None if after_reset is None else as_json(after_reset)
    run_one(connection, INSERT, id=sandbox.id, key_hash=sandbox.key_hash, after_reset=text)
    return False


def go_on(connection: Connection, sandbox_id: str, rows: int) -> bool:
    """Delete so many rows of a sandbox that was taken away. Returns whether none is left, and it has returned."""
    lock = " FOR UPDATE" if connection.dialect.name == "postgresql" else ""
    waiting = server_rows(connection, _Waiting, WAITING + lock, id=sandbox_id)
    if not waiting:
        return True  # Another process was faster.
    if not _delete(connection, sandbox_id, rows):
        return False
    run_one(connection, REMOVE, id=sandbox_id)
    after_reset = waiting[0].after_reset
    if after_reset is not None:
        lifecycle.create(connection, msgspec.json.decode(after_reset, type=Sandbox))
    return True


def left(connection: Connection) -> list[str]:
    """The ids of the sandboxes that are being emptied, or were when their process died."""
    return server_rows(connection, str, LEFT)


def next_portion(rows: int, seconds: float, slice_s: float) -> int:
    """How many rows the next portion deletes, after this many took this long: about as many as take a slice."""
    fits = PORTION_MAX if seconds <= 0 else int(rows * slice_s / seconds)
    return max(PORTION_MIN, min(fits, rows * 2, PORTION_MAX))


def _after_reset(sandbox: Sandbox) -> Sandbox:
    """A manual clock returns to its start; a running clock runs on. Endpoints stay."""
    start_ms = sandbox.created_ms if sandbox.mode == "manual" else sandbox.sandbox_ms
    return replace(
        sandbox,
        sandbox_ms=start_ms,
        rules_version=sandbox.rules_version + 1,
        target_ms=None,
        advances=0,
        jobs=0,
        story=None,
        resets=sandbox.resets + 1,
        page_epoch=next_epoch(sandbox),
    )


def _delete(connection: Connection, sandbox_id: str, rows: int) -> bool:
    """Delete at most so many rows of a sandbox. Returns whether none is left."""
    not_empty = set(SandboxReader(connection, sandbox_id).ids(_not_empty(tuple(metadata.tables))))
    for table, sql in _deletions(tuple(metadata.tables)):
        if table in not_empty:
            rows -= run_one(connection, sql, sandbox_id=sandbox_id, most=rows)
            if rows <= 0:
                return False
    return True


@cache
def _deletions(_tables: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """The tables of sandboxes, referring ones first, each with the SQL that deletes some of its rows.

    Once per set of tables: a fault layer may add its own later.
    """
    return tuple(
        (table.name, _deletion(table.name, [column.name for column in table.primary_key][1:]))
        for table in reversed(metadata.sorted_tables)
        if "sandbox_id" in table.columns
    )


def _deletion(table: str, key: list[str]) -> str:
    if not key:
        return f"DELETE FROM {table} WHERE sandbox_id = :sandbox_id AND :most > 0"
    some = f"SELECT {', '.join(key)} FROM {table} WHERE sandbox_id = :sandbox_id LIMIT :most"
    return f"DELETE FROM {table} WHERE sandbox_id = :sandbox_id AND ({', '.join(key)}) IN ({some})"


@cache
def _not_empty(tables: tuple[str, ...]) -> str:
    """A query for the tables with rows of a sandbox: few have any, and a statement for each would cost the most."""
    return " UNION ALL ".join(
        f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {table} WHERE sandbox_id = :sandbox_id)"
        for table, _ in _deletions(tables)
    )
