"""When each sandbox was last used, to the minute: so that those that nobody uses any more can be found and deleted.

A request only puts its sandbox's name into a set. Once a minute, and whenever somebody asks, the names are written down
with that moment: a kill makes a sandbox look a minute older at most. This is real time, not a sandbox's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection

from mocklend.sandboxes.lifecycle import DEFAULT, NAMES
from mocklend.storage.snapshot import server_rows
from mocklend.storage.statements import run_many
from mocklend.storage.stores import made
from mocklend.storage.work import Sandbox

NOTED_EVERY_MS = 60_000

_USED = """INSERT INTO sandbox_uses (sandbox_id, used_ms)
    SELECT id, CAST(:used_ms AS BIGINT) FROM sandboxes WHERE id = :sandbox_id
    ON CONFLICT (sandbox_id) DO UPDATE SET used_ms = excluded.used_ms"""
NEVER_NOTED = """INSERT INTO sandbox_uses (sandbox_id, used_ms)
    SELECT id, CAST(:used_ms AS BIGINT) FROM sandboxes WHERE id NOT IN (SELECT sandbox_id FROM sandbox_uses)
    ON CONFLICT (sandbox_id) DO NOTHING"""
FOUND = f"""SELECT u.used_ms, {", ".join("s." + name for name in NAMES)}
    FROM sandboxes s JOIN sandbox_uses u ON u.sandbox_id = s.id
    WHERE s.id > :after AND u.used_ms <= :until_ms ORDER BY s.id LIMIT :most"""
UNUSED = """SELECT sandbox_id FROM sandbox_uses WHERE used_ms <= :until_ms AND sandbox_id <> :default
    ORDER BY used_ms, sandbox_id"""


def note(connection: Connection, sandbox_ids: Iterable[str], now_ms: int) -> None:
    """These were used just now."""
    run_many(connection, _USED, [{"sandbox_id": id, "used_ms": now_ms} for id in sorted(sandbox_ids)])


def note_unknown(connection: Connection, now_ms: int) -> None:
    """Those of which nothing is known count as used now: an older version that made them has noted nothing."""
    run_many(connection, NEVER_NOTED, [{"used_ms": now_ms}])


def listed(connection: Connection, after: str, until_ms: int, most: int) -> Sequence[tuple[Sandbox, int]]:
    """Sandboxes that were last used until a moment, and when that was, by their ids."""
    return server_rows(connection, _used, FOUND, after=after, until_ms=until_ms, most=most)


def _used(used_ms: int, *columns: Any) -> tuple[Sandbox, int]:
    return made(Sandbox, *columns), used_ms


def unused(connection: Connection, until_ms: int) -> list[str]:
    """The ids of those that nobody has used since a moment, the oldest use first. `default` is none of them."""
    return server_rows(connection, str, UNUSED, until_ms=until_ms, default=DEFAULT)
