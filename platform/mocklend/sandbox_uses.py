"""Which sandboxes are used: noted at each request, written once a minute, read before unused ones are deleted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from sqlalchemy import Engine

from mocklend.domain.problems import Refused
from mocklend.sandboxes import uses
from mocklend.sandboxes.timestamps import LAST_MS
from mocklend.storage.engines import reading
from mocklend.storage.work import Sandbox
from mocklend.writer import Writer

EXPIRED_MAX = 500
"""How many sandboxes one call deletes: each in a commit of its own, so that other writes come in between."""


class SandboxUses:
    """The sandboxes that this process has used since it last wrote them. Thread-safe."""

    def __init__(self, engine: Engine, writer: Writer, real_ms: Callable[[], int]) -> None:
        """On the platform's database. `real_ms` is real time, in ms."""
        self._engine = engine
        self._writer = writer
        self._real_ms = real_ms
        self._used: set[str] = set()
        self._next_write_ms = 0

    def note(self, sandbox_id: str) -> None:
        """Note that a sandbox is used. The time is written within a minute: see `sandboxes.uses`."""
        if sandbox_id not in self._used:
            self._used.add(sandbox_id)

    def write(self) -> None:
        """Write which sandboxes were used since the last call."""
        used, now_ms = frozenset(self._used), self._real_ms()
        self._next_write_ms = now_ms + uses.NOTED_EVERY_MS
        if used:
            self._writer.call(lambda connection: uses.note(connection, used, now_ms), waits_for_disk=False)
            self._used -= used

    def write_unknown(self) -> None:
        """Write the current time for sandboxes of an older version, which has written no uses."""
        self._writer.call(lambda connection: uses.note_unknown(connection, self._real_ms()))

    def tick(self) -> None:
        """Write the uses once a minute."""
        if self._used and self._real_ms() >= self._next_write_ms:
            self.write()

    def listed(self, after: str, most: int, unused_for_ms: int | None = None) -> Sequence[tuple[Sandbox, int]]:
        """Return sandboxes by id, each with the real time (ms) of its last use: `most` of those after the id `after`.

        With `unused_for_ms`, only those that were not used for that time.
        """
        self.write()
        until_ms = LAST_MS if unused_for_ms is None else self._real_ms() - unused_for_ms
        with reading(self._engine) as connection:
            return uses.listed(connection, after, until_ms, most)

    def expire(self, unused_for_ms: int, delete: Callable[[str], None]) -> tuple[list[str], bool]:
        """Delete the sandboxes that were not used for a time, except `default`.

        Returns their ids, and whether there are more.
        """
        self.write()
        with reading(self._engine) as connection:
            unused = uses.unused(connection, self._real_ms() - unused_for_ms)
        deleted = []
        for sandbox_id in unused[:EXPIRED_MAX]:
            if sandbox_id not in self._used:  # Else it was used just now.
                with suppress(Refused):  # Another client has deleted it.
                    delete(sandbox_id)
                    deleted.append(sandbox_id)
        return deleted, len(unused) > EXPIRED_MAX
