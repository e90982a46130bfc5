"""The opened platform: engine, writer, clocks and, where one is installed, a fault layer. What all else holds on to."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import Connection

from mocklend import audit as auditing
from mocklend.channels.delivery import RecordDelivery, deliver, endpoint_of, open_session
from mocklend.domain.problems import Refused
from mocklend.due import EVERY, QUICK, WEBHOOK, Due, command_for, due
from mocklend.logs import get_logger
from mocklend.sandboxes import lifecycle
from mocklend.sandboxes.lifecycle import DEFAULT, DEFAULT_ZONE, SetClock, SetPace
from mocklend.sandboxes.moments import rfc3339
from mocklend.seams import Layer
from mocklend.storage import entities  # noqa: F401  (registers how rows become entities)
from mocklend.storage.engines import ground_of, open_engine, reading
from mocklend.storage.entities import Webhook
from mocklend.storage.ground import Ground, Unavailable
from mocklend.storage.stores import load_all, rows
from mocklend.storage.work import Answer, Command, Sandbox
from mocklend.views.turns import Turns
from mocklend.writer import Writer

DUE_AT_ONCE = 500
DUE_TOGETHER = 64
ADVANCE_TOGETHER = 250
"""Due things in one commit: few where a clock runs by itself and clients wait, more where a test moves the clock."""
TOLD_AT_MOST = 1_000
"""An advance tells the first so many things that it released and counts the rest: a year of many loans has millions."""

COURIERS = 8
log = get_logger()


def real_time_ms() -> int:
    """Now, really."""
    return time.time_ns() // 1_000_000


def database_url(database: str) -> str:
    """A database's URL, from a URL or from a path of an SQLite file."""
    return database if "://" in database else f"sqlite:///{Path(database).absolute()}"


def find_layer() -> Layer | None:
    """The fault layer of the entry-point group `mocklend.layer`. With none installed the platform is honest."""
    for entry in entry_points(group="mocklend.layer"):
        package = entry.module.partition(".")[0]
        if find_spec(package) is None:
            continue  # The entry is still announced, its package is not there any more.
        layer: Layer = entry.load()()
        return layer
    return None


@dataclass(slots=True)
class Advanced:
    """What an advance of a clock released: the first things one by one, all of them counted by kind."""

    now_ms: int
    released: list[dict[str, Any]] = field(default_factory=list)
    by_kind: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """How many things fell due on the way."""
        return sum(self.by_kind.values())

    def count(self, items: Sequence[Due]) -> None:
        """These were worked off, in this order."""
        self.released += [_released(item) for item in items[: TOLD_AT_MOST - len(self.released)]]
        for item in items:
            self.by_kind[item.what] = self.by_kind.get(item.what, 0) + 1

    def to_json(self) -> dict[str, Any]:
        """As the control API answers it."""
        return {
            "now": rfc3339(self.now_ms),
            "released": self.released,
            "released_total": self.total,
            "released_more": self.total > len(self.released),
            "released_by_kind": dict(sorted(self.by_kind.items())),
        }


class Lender:
    """One process's hold on the platform. Thread-safe; close it when done."""

    def __init__(
        self,
        database: str,
        layer: Layer | None = None,
        *,
        fast: bool = False,
        loopback_only: bool = True,
        delivers: bool = True,
        real_ms: Callable[[], int] = real_time_ms,
    ) -> None:
        """Open a platform. One that does not deliver leaves webhooks in the outbox when a manual clock moves."""
        self.layer = layer
        self._moved_by_clock = EVERY if delivers else QUICK
        self.real_ms = real_ms
        self.engine = open_engine(database, fast=fast)
        self.writer = Writer(self.engine, layer, real_ms)
        self.turns = Turns()
        self._session: requests.Session = open_session(loopback_only=loopback_only)
        self._sandbox_of_key: dict[str, str] = {}
        self._seeds: dict[str, int] = {}
        self._advancing: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()
        self._couriers = ThreadPoolExecutor(COURIERS, thread_name_prefix="mocklend-courier")
        self._in_flight: set[tuple[str, str]] = set()

    def close(self) -> None:
        """Answer what waits, then let go of the database."""
        self._couriers.shutdown(cancel_futures=True)
        self.writer.close()
        self._session.close()
        self.engine.dispose()

    # --- commands and reads ---

    @property
    def ground(self) -> Ground:
        """What is known of the database underneath."""
        return ground_of(self.engine)

    def run(self, command: Command) -> Answer:
        """Carry out a command; the answer is durable when it comes. Raises Refused."""
        return self.writer.run(command)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent snapshot to read from."""
        with reading(self.engine) as connection:
            yield connection

    def look(self) -> None:
        """Whether the database can be read and written: tried, where it is not known. Raises Unavailable."""
        with self.read() as connection:
            connection.exec_driver_sql("SELECT 1")
        self.writer.look()

    def sandbox(self, connection: Connection, sandbox_id: str) -> Sandbox:
        """A sandbox as it is in this snapshot."""
        found = lifecycle.find(connection, "id", sandbox_id)
        if found is None:
            raise Refused("sandbox_unknown", f"no sandbox {sandbox_id}", sandbox_id=sandbox_id)
        return found

    def now_ms(self, sandbox_id: str) -> int:
        """A sandbox's time, now."""
        with self.read() as connection:
            return self.sandbox(connection, sandbox_id).now_ms(self.real_ms())

    def audit(self, sandbox_id: str) -> auditing.Audit:
        """World against books against views, in one snapshot."""
        with self.read() as connection:
            now_ms = self.sandbox(connection, sandbox_id).now_ms(self.real_ms())
            return auditing.audit(connection, sandbox_id, now_ms)

    # --- sandboxes ---

    def create_sandbox(
        self,
        *,
        seed: int,
        mode: str,
        now_ms: int | None = None,
        speed: int = 1,
        zone: str = DEFAULT_ZONE,
        id: str | None = None,
        four_eyes_above_minor: int | None = None,
        monitored: bool = True,
        tolerance_minor: int = 0,
        net_by: str = "none",
    ) -> Sandbox:
        """A new sandbox. A wall clock without a start shows real time; a manual one moves only when told."""
        real_ms = self.real_ms()
        start_ms = real_ms if now_ms is None else now_ms
        made = Sandbox(
            id=id or "sbx_" + secrets.token_hex(10),
            api_key="mk_" + secrets.token_urlsafe(24),
            seed=seed,
            zone=zone,
            mode=mode,
            sandbox_ms=start_ms,
            real_ms=real_ms,
            speed=0 if mode == "manual" else speed,
            rules_version=0,
            endpoints="[]",
            created_ms=start_ms,
            four_eyes_above_minor=four_eyes_above_minor,
            monitored=int(monitored),
            tolerance_minor=tolerance_minor,
            net_by=net_by,
        )
        self.writer.call(lambda connection: lifecycle.create(connection, made))
        return made

    def ensure_default(self, seed: int) -> Sandbox:
        """The sandbox of calls without a key: made on a real clock if it is not there yet."""
        with self.read() as connection:
            found = lifecycle.find(connection, "id", DEFAULT)
        return found or self.create_sandbox(seed=seed, mode="wall", id=DEFAULT)

    def reset_sandbox(self, sandbox_id: str) -> Sandbox:
        """Empty a sandbox; the same seed again, so the same ids again."""

        def empty(connection: Connection) -> Sandbox:
            return lifecycle.reset(connection, self.sandbox(connection, sandbox_id))

        with self._advance_lock(sandbox_id):
            emptied: Sandbox = self.writer.call(empty)
            self._tell_emptied(sandbox_id)
        return emptied

    def delete_sandbox(self, sandbox_id: str) -> None:
        """Remove a sandbox and everything in it."""

        def remove(connection: Connection) -> None:
            self.sandbox(connection, sandbox_id)
            lifecycle.delete(connection, sandbox_id)

        with self._advance_lock(sandbox_id):
            self.writer.call(remove)
            self._tell_emptied(sandbox_id)
        self._seeds.pop(sandbox_id, None)
        self._sandbox_of_key = {key: id for key, id in self._sandbox_of_key.items() if id != sandbox_id}
        with self._lock:
            self._advancing.pop(sandbox_id, None)

    def _tell_emptied(self, sandbox_id: str) -> None:
        if self.layer is not None:
            self.layer.emptied(sandbox_id)

    def sandbox_of_key(self, api_key: str) -> str | None:
        """The sandbox that an API key opens."""
        digest = hashlib.sha256(api_key.encode("utf-8", "surrogatepass")).hexdigest()
        known = self._sandbox_of_key.get(digest)
        if known is None:
            with self.read() as connection:
                found = lifecycle.find(connection, "api_key", api_key)
            if found is None:
                return None
            known = self._sandbox_of_key[digest] = found.id
        return known

    def seed_of(self, sandbox_id: str) -> int:
        """A sandbox's seed, which stays what it is. Raises Refused."""
        known = self._seeds.get(sandbox_id)
        if known is None:
            with self.read() as connection:
                known = self._seeds[sandbox_id] = self.sandbox(connection, sandbox_id).seed
        return known

    # --- time ---

    def advance(self, sandbox_id: str, to_ms: int) -> Advanced:
        """Move a manual clock, running all that falls due on the way, in order, in bounded memory."""
        advanced = Advanced(to_ms)
        with self._advance_lock(sandbox_id):
            with self.read() as connection:
                lifecycle.refuse_move(self.sandbox(connection, sandbox_id), to_ms)
            while True:
                with self.read() as connection:
                    items = due(connection, sandbox_id, to_ms, DUE_AT_ONCE, only=self._moved_by_clock)
                    now_ms = self.sandbox(connection, sandbox_id).sandbox_ms
                if not items:
                    break
                now_ms = max(items[0].due_ms, now_ms)
                # One kind at a time: a settlement queues a callback, and that comes before the calendar.
                together = [item for item in items if (item.due_ms, item.what) == (items[0].due_ms, items[0].what)]
                # Webhooks wait for the network, so they go apart; they are last at any moment anyway.
                quick = [item for item in together if item.what != "webhook"]
                if quick:
                    self._run_due(sandbox_id, quick, ADVANCE_TOGETHER, at_ms=now_ms)
                else:
                    self.writer.run_all([SetClock(sandbox_id, now_ms)])
                    for item in together:
                        self._deliver(sandbox_id, item)
                advanced.count(quick or together)
            self.writer.run_all([SetClock(sandbox_id, to_ms)])
        return advanced

    def set_pace(self, sandbox_id: str, speed: int) -> Answer:
        """Hold a clock (speed 0), or let it run on from where it is. An advance or a tick that runs ends first."""
        with self._advance_lock(sandbox_id):
            return self.run(SetPace(sandbox_id, speed, self.real_ms()))

    def tick(self) -> int:
        """Run what is due in every sandbox whose clock runs by itself. Gives back how many things ran."""
        with self.read() as connection:
            names = rows(connection, "SELECT id FROM sandboxes WHERE speed > 0 ORDER BY id", {})
        return sum(self._tick_one(row[0]) for row in names)

    def _tick_one(self, sandbox_id: str) -> int:
        lock, done = self._advance_lock(sandbox_id), 0
        if not lock.acquire(blocking=False):
            return 0
        try:
            while True:
                with self.read() as connection:
                    found = lifecycle.find(connection, "id", sandbox_id)
                    if found is None:
                        return done
                    now_ms = found.now_ms(self.real_ms())
                    items = due(connection, sandbox_id, now_ms, DUE_AT_ONCE, only=QUICK)
                    webhooks = due(connection, sandbox_id, now_ms, DUE_AT_ONCE, only=WEBHOOK)
                for item in webhooks:
                    self._send_out(sandbox_id, item)
                self._run_due(sandbox_id, items, DUE_TOGETHER)
                done += len(items)
                if len(items) < DUE_AT_ONCE:
                    return done
        finally:
            lock.release()

    def _run_due(self, sandbox_id: str, items: Sequence[Due], size: int, *, at_ms: int | None = None) -> None:
        """Work off due items in their order, in groups small enough for clients to get a word in between."""
        clock: list[Command] = [] if at_ms is None else [SetClock(sandbox_id, at_ms)]
        for start in range(0, len(items), size):
            group = items[start : start + size]
            self.writer.run_all([*clock, *(command_for(sandbox_id, item) for item in group)])

    def _send_out(self, sandbox_id: str, item: Due) -> None:
        """Deliver on another thread: a slow receiver holds up nobody but itself."""
        flight = (sandbox_id, item.id)
        with self._lock:
            if flight in self._in_flight:
                return
            self._in_flight.add(flight)

        def carry() -> None:
            try:
                self._deliver(sandbox_id, item)
            except Unavailable:
                pass  # The ground has told of it; the webhook is still due.
            except Exception as failure:
                log.error("a webhook could not be worked off", webhook=item.id, exc_info=failure)
            finally:
                self._in_flight.discard(flight)

        self._couriers.submit(carry)

    def _deliver(self, sandbox_id: str, item: Due) -> None:
        with self.read() as connection:
            key = ("webhook", item.id)
            webhook: Webhook | None = load_all(connection, [(sandbox_id, key)])[(sandbox_id, key)]
            sandbox = self.sandbox(connection, sandbox_id)
        if webhook is None or webhook.due_ms is None:
            return
        endpoint = endpoint_of(sandbox.endpoints, webhook.endpoint_id)
        outcome = deliver(self._session, endpoint, webhook) if endpoint else "gone"
        self.writer.run_all([RecordDelivery(sandbox_id, webhook.id, webhook.attempts + 1, outcome)])

    def _advance_lock(self, sandbox_id: str) -> threading.Lock:
        with self._lock:
            return self._advancing.setdefault(sandbox_id, threading.Lock())


def _released(item: Due) -> dict[str, Any]:
    return {"at": rfc3339(item.due_ms), "kind": item.what, "id": item.id, "loan_id": item.loan_id}


__all__ = ["Advanced", "Lender", "database_url", "find_layer", "real_time_ms"]
