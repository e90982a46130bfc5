"""Copies of a sandbox: all that is in it as of one snapshot, into sandboxes that were made for it and are empty.

        one snapshot of the source ─▶ portions of rows ─▶ each into every copy, in a commit of its own ─▶ rules_version

A copy has the seed of its source, so its ids are the same, and so is what follows from the same requests. Other
sandboxes write between two portions. Until the copy is finished nobody has its key.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from sqlalchemy import Connection, Table

from mocklend.sandboxes import lifecycle
from mocklend.storage.driver import Columns, execute_many
from mocklend.storage.schema import metadata
from mocklend.storage.snapshot import Snapshot
from mocklend.storage.statements import by_place, run_one

LEFT_OUT = frozenset({"sandbox_uses", "wakes", "advances", "jobs", "webhooks", "scenario_runs", "reports"})
"""The tables that are not copied: what a process or a person did beside the story, and messages to its receivers."""
PORTION = 1_000
"""How many rows one commit writes: as many as others can wait for."""
FINISH = "UPDATE sandboxes SET rules_version = :rules_version WHERE id = :id"

Rows = list[tuple[Table, list[Columns]]]
"""Rows of several tables, referred ones first."""


def copy(
    source: Snapshot,
    sandbox_ids: Sequence[str],
    call: Callable[[Callable[[Connection], None]], None],
    leave_out: Collection[str] = (),
) -> None:
    """Copy what is in a sandbox into these, which are empty. `call` runs a function in a write transaction.

    Rows of the tables `leave_out` are not copied. Raises Refused `sandbox_unknown` if one of them is gone.
    """
    for portion in _portions(source, LEFT_OUT | frozenset(leave_out)):
        for sandbox_id in sandbox_ids:
            call(lambda connection, portion=portion, id=sandbox_id: _insert(connection, id, portion))  # type: ignore[misc]
    for sandbox_id in sandbox_ids:
        call(lambda connection, id=sandbox_id: _finish(connection, id, source.sandbox.rules_version))  # type: ignore[misc]


def _portions(source: Snapshot, left_out: Collection[str]) -> Iterator[Rows]:
    portion: Rows = []
    count = 0
    for table in metadata.sorted_tables:
        if "sandbox_id" not in table.columns or table.name in left_out:
            continue
        portion.append((table, []))
        for row in source.raw(f"SELECT {', '.join(_names(table))} FROM {table.name} WHERE sandbox_id = :sandbox_id"):
            portion[-1][1].append(row)
            count += 1
            if count == PORTION:
                yield portion
                portion, count = [(table, [])], 0
    if count:
        yield portion


def _names(table: Table) -> list[str]:
    return [column.name for column in table.columns if column.name != "sandbox_id"]


def _insert(connection: Connection, sandbox_id: str, portion: Rows) -> None:
    lifecycle.required(connection, sandbox_id, to_write=True)
    for table, rows in portion:
        if rows:
            names = ["sandbox_id", *_names(table)]
            places = ", ".join(f":{name}" for name in names)
            sql = by_place(
                f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({places})", connection.dialect.paramstyle
            )
            execute_many(connection, sql, [(sandbox_id, *row) for row in rows])


def _finish(connection: Connection, sandbox_id: str, rules_version: int) -> None:
    lifecycle.required(connection, sandbox_id, to_write=True)
    run_one(connection, FINISH, id=sandbox_id, rules_version=rules_version)
