"""The processes that share a database, and which of them runs a sandbox's clock.

        each process ─ every second ─▶ its row in `processes` ─▶ all rows are read: who is alive?
        sandbox ─▶ the process with the highest hash of (process, sandbox), of those that run clocks
        a write in a sandbox of another process ─▶ `wakes` ─▶ that process looks at it with its next tick

A process is alive while its row keeps changing. That is measured on the reader's own clock, so the clocks of two
machines are not compared. When a process comes or goes, only its own sandboxes change hands. For some seconds two
processes may then run the same sandbox: each due command finds what the other has done, and does nothing.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import NamedTuple

from sqlalchemy import Engine

from mocklend.storage.engines import reading, writing
from mocklend.storage.snapshot import server_rows
from mocklend.storage.statements import run_many, run_one

BEAT_S = 1.0
"""How often a process writes its row."""
DEAD_AFTER_S = 5.0
"""A process whose row has not changed for this time is taken for dead."""
SETTLED_AFTER_S = 3.0
"""By then all others have seen a change, too. What they did before, on the old state, is looked for once more."""
FORGOTTEN_AFTER_S = 60.0
"""After this time the row of a dead process is deleted."""
SERVER, WORKER = "server", "worker"
"""The kinds of process: those that answer requests, and those that only run clocks."""

BEAT = """INSERT INTO processes (id, kind, runs_clocks, seen_ms) VALUES (:id, :kind, :runs_clocks, :seen_ms)
    ON CONFLICT (id) DO UPDATE SET runs_clocks = excluded.runs_clocks, seen_ms = excluded.seen_ms"""
ALL = "SELECT id, kind, runs_clocks, seen_ms FROM processes"
GONE = "DELETE FROM processes WHERE id = :id"
WAKE = """INSERT INTO wakes (sandbox_id, wakes) SELECT id, 1 FROM sandboxes WHERE id = :sandbox_id
    ON CONFLICT (sandbox_id) DO UPDATE SET wakes = wakes.wakes + 1"""
WOKEN = "SELECT sandbox_id, wakes FROM wakes"
AWAKE = "DELETE FROM wakes WHERE sandbox_id = :sandbox_id AND wakes = :wakes"


class _Row(NamedTuple):
    id: str
    kind: str
    runs_clocks: int
    seen_ms: int


class _Woken(NamedTuple):
    sandbox_id: str
    wakes: int


class Processes:
    """One process among those of a database. Thread-safe."""

    def __init__(
        self,
        engine: Engine,
        *,
        kind: str,
        runs_clocks: bool,
        real_ms: Callable[[], int],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Joins at the first `beat`. Until then it runs every sandbox's clock, unless it runs none."""
        self.id = secrets.token_hex(8)
        self._engine, self._real_ms, self._monotonic = engine, real_ms, monotonic
        self._own = _Row(self.id, kind, int(runs_clocks), 0)
        self._changed_s: dict[str, tuple[int, float]] = {}  # by process: `seen_ms`, and when it was first read
        self._alive: tuple[_Row, ...] = (self._own,)
        self._settles_s: float | None = None
        self._lock = threading.Lock()
        self.on_change: Callable[[], None] = lambda: None
        """Called when a process has come or gone, and once more a little later: any sandbox may have changed hands."""
        self.others_served = False
        """Whether another process has answered requests at any time since this one started."""

    @property
    def alone(self) -> bool:
        """Whether no other process is known to be alive."""
        return len(self._alive) == 1

    def alive(self, kind: str) -> int:
        """Return how many processes of a kind are alive."""
        return sum(row.kind == kind for row in self._alive)

    def is_alive(self, process_id: str) -> bool:
        """Whether a process is alive, as far as this one knows."""
        return any(row.id == process_id for row in self._alive)

    def runs(self, sandbox_id: str) -> bool:
        """Whether this process runs the sandbox's clock."""
        runners = [row.id for row in self._alive if row.runs_clocks]
        return bool(self._own.runs_clocks) and max(runners, key=lambda id: _rank(id, sandbox_id)) == self.id

    def beat(self) -> None:
        """Show that this process is alive, and see which others are. Raises Unavailable."""
        row = self._own._replace(seen_ms=self._real_ms())
        with writing(self._engine, waits_for_disk=False) as connection:
            run_one(connection, BEAT, **row._asdict())
        with reading(self._engine, one_statement=True) as connection:
            rows = server_rows(connection, _Row, ALL)
        dead = self._see(rows, self._monotonic())
        if dead:
            with writing(self._engine, waits_for_disk=False) as connection:
                run_many(connection, GONE, [{"id": id} for id in dead])

    def _see(self, rows: Iterable[_Row], now_s: float) -> list[str]:
        """Note who is alive at a time of the reader's clock. Returns who has been dead for long."""
        with self._lock:
            changed_s, dead = {}, []
            alive = [self._own]
            for row in rows:
                if row.id == self.id:
                    continue
                seen_ms, since_s = self._changed_s.get(row.id, (row.seen_ms, now_s))
                changed_s[row.id] = (row.seen_ms, since_s if seen_ms == row.seen_ms else now_s)
                silent_s = now_s - changed_s[row.id][1]
                if silent_s < DEAD_AFTER_S:
                    alive.append(row)
                elif silent_s >= FORGOTTEN_AFTER_S:
                    dead.append(row.id)
            before, self._changed_s = _runners(self._alive), changed_s
            self._alive = tuple(alive)
            self.others_served |= any(row.kind == SERVER for row in alive[1:])
            changed = before != _runners(alive)
            settled = self._settles_s is not None and now_s >= self._settles_s
            if changed or settled:
                self._settles_s = now_s + SETTLED_AFTER_S if changed else None
        if changed or settled:
            self.on_change()
        return sorted(dead)

    def stop_running(self) -> None:
        """Leave all clocks to the others, from the next beat on."""
        with self._lock:
            self._own = self._own._replace(runs_clocks=0)

    def leave(self) -> None:
        """Say that this process ends, so that the others need not wait for it to fall silent."""
        with writing(self._engine, waits_for_disk=False) as connection:
            run_one(connection, GONE, id=self.id)

    def wake(self, sandbox_ids: Iterable[str]) -> None:
        """Tell those who run these sandboxes that something was written there. Raises Unavailable."""
        rows = [{"sandbox_id": id} for id in sorted(sandbox_ids)]  # In one order everywhere, against deadlocks.
        with writing(self._engine, waits_for_disk=False) as connection:
            run_many(connection, WAKE, rows)

    def woken(self) -> list[str]:
        """Return the sandboxes of this process that others have written in since the last call. Raises Unavailable."""
        with reading(self._engine, one_statement=True) as connection:
            woken = [row for row in server_rows(connection, _Woken, WOKEN) if self.runs(row.sandbox_id)]
        if woken:
            with writing(self._engine, waits_for_disk=False) as connection:
                run_many(connection, AWAKE, [row._asdict() for row in sorted(woken)])
        return [row.sandbox_id for row in woken]


def _runners(rows: Iterable[_Row]) -> set[tuple[str, int]]:
    return {(row.id, row.runs_clocks) for row in rows}


def _rank(process_id: str, sandbox_id: str) -> bytes:
    return blake2b(f"{process_id} {sandbox_id}".encode(), digest_size=8).digest()
