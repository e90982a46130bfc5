"""Empties sandboxes in portions, in the thread of the request, and goes on with what a process has left half empty."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine

from mocklend.domain.problems import Refused
from mocklend.sandboxes import emptying, lifecycle, uses
from mocklend.storage.engines import reading
from mocklend.writer import Writer

if TYPE_CHECKING:
    from mocklend.scheduling.driver import ClockDriver

SLICE_S = 0.05
"""How long a portion keeps other writes waiting, about."""
LOOK_EVERY_MS = 1_000
"""How often a process looks for sandboxes that another one has left half empty."""


class Emptier:
    """Empties the sandboxes of one database. Thread-safe."""

    def __init__(
        self,
        engine: Engine,
        writer: Writer,
        clocks: ClockDriver,
        *,
        on_taken: Callable[[str], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`on_taken` is called with a sandbox's id once nobody sees its rows, and again if the ticker ends it."""
        self._engine, self._writer, self._clocks = engine, writer, clocks
        self._on_taken = on_taken
        self._monotonic = monotonic
        self._rows = emptying.PORTION_FIRST
        self._next_look_ms = 0
        self._left: list[str] = []

    def empty(self, sandbox_id: str, *, returns: bool) -> None:
        """Empty a sandbox; if it `returns`, as after a reset. To be called with its `advance_lock` held.

        Raises Refused `sandbox_unknown`, `sandbox_emptying`, `server_stopping`. A sandbox that was not emptied to the
        end, because the server stops or its database fails, is emptied by `tick`, in any process.
        """

        def begin(connection: Connection) -> bool:
            sandbox = lifecycle.required(connection, sandbox_id, to_write=True)
            return self._noted(connection, sandbox_id, emptying.begin(connection, sandbox, returns=returns))

        if self._writer.call(begin):
            return
        self._on_taken(sandbox_id)
        while not self._portion(sandbox_id):
            if self._clocks.is_closing:
                raise Refused("server_stopping", "the sandbox is emptied to the end once the server is back")

    def finish(self, sandbox_id: str) -> None:
        """Empty a sandbox to the end, if it was left half empty."""
        with self._clocks.advance_lock(sandbox_id):
            if sandbox_id in self._look():
                while not self._portion(sandbox_id):
                    pass

    def tick(self) -> None:
        """Delete a portion of each sandbox that was left half empty, and that nobody in this process empties."""
        now_ms = self._clocks.real_ms()
        if now_ms >= self._next_look_ms:
            self._next_look_ms = now_ms + LOOK_EVERY_MS
            self._left = self._look()
        for sandbox_id in list(self._left):
            lock = self._clocks.advance_lock(sandbox_id)
            if not lock.acquire(blocking=False):
                continue
            try:
                if self._portion(sandbox_id):
                    self._left.remove(sandbox_id)
                    self._on_taken(sandbox_id)
            finally:
                lock.release()

    def _look(self) -> list[str]:
        with reading(self._engine, one_statement=True) as connection:
            return emptying.left(connection)

    def _portion(self, sandbox_id: str) -> bool:
        """Delete a portion of a sandbox's rows. Returns whether it is empty."""
        rows = self._rows

        def delete(connection: Connection) -> tuple[bool, float]:
            began_s = self._monotonic()
            done = self._noted(connection, sandbox_id, emptying.go_on(connection, sandbox_id, rows))
            return done, self._monotonic() - began_s

        done, took_s = self._writer.call(delete)
        if not done:
            self._rows = emptying.next_portion(rows, took_s, SLICE_S)
        return done

    def _noted(self, connection: Connection, sandbox_id: str, done: bool) -> bool:
        """Note that a sandbox was used just now, once it is back. No effect on a deleted one."""
        if done:
            uses.note(connection, [sandbox_id], self._clocks.real_ms())
        return done
