"""The last use of each sandbox, to the minute, so that unused sandboxes can be found and deleted.

A request only adds its sandbox's id to a set. Once a minute, and before each read, the ids are stored with the time: a
kill loses at most one minute. All times are real time, not the sandbox's clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from mocklend.sandboxes.lifecycle import DEFAULT, NAMES
from mocklend.storage.snapshot import server_rows
from mocklend.storage.statements import Value, run_many, run_one
from mocklend.storage.stores import entity_of_row
from mocklend.storage.work import Sandbox

NOTED_EVERY_MS = 60_000

_USED = """INSERT INTO sandbox_uses (sandbox_id, used_ms)
    SELECT id, CAST(:used_ms AS BIGINT) FROM sandboxes WHERE id = :sandbox_id
    ON CONFLICT (sandbox_id) DO UPDATE SET used_ms = excluded.used_ms"""
WITHOUT_USE = """INSERT INTO sandbox_uses (sandbox_id, used_ms)
    SELECT id, CAST(:used_ms AS BIGINT) FROM sandboxes WHERE id NOT IN (SELECT sandbox_id FROM sandbox_uses)
    ON CONFLICT (sandbox_id) DO NOTHING"""
LAST_USED = f"""SELECT u.used_ms, {", ".join("s." + name for name in NAMES)}
    FROM sandboxes s JOIN sandbox_uses u ON u.sandbox_id = s.id
    WHERE s.id > :after AND u.used_ms <= :until_ms ORDER BY s.id LIMIT :most"""
UNUSED = """SELECT sandbox_id FROM sandbox_uses WHERE used_ms <= :until_ms AND sandbox_id <> :default
    ORDER BY used_ms, sandbox_id"""


def note(connection: Connection, sandbox_ids: Iterable[str], now_ms: int) -> None:
    """Store that these sandboxes were used at `now_ms`."""
    run_many(connection, _USED, [{"sandbox_id": id, "used_ms": now_ms} for id in sorted(sandbox_ids)])


def note_unknown(connection: Connection, now_ms: int) -> None:
    """Store `now_ms` for sandboxes without a stored use: an older version of Mocklend made them."""
    run_one(connection, WITHOUT_USE, used_ms=now_ms)


def listed(connection: Connection, after: str, until_ms: int, most: int) -> Sequence[tuple[Sandbox, int]]:
    """Sandboxes last used until `until_ms`, each with its last use (ms), ordered by id after `after`."""
    return server_rows(connection, _used, LAST_USED, after=after, until_ms=until_ms, most=most)


def _used(used_ms: int, *columns: Value) -> tuple[Sandbox, int]:
    return entity_of_row(Sandbox, *columns), used_ms


def unused(connection: Connection, until_ms: int) -> list[str]:
    """The ids of sandboxes without a use since `until_ms`, the longest unused first, without `default`."""
    return server_rows(connection, str, UNUSED, until_ms=until_ms, default=DEFAULT)
