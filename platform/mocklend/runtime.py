"""The opened platform: engine, writer, clocks and, if one is installed, a fault layer."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace
from sqlalchemy import Connection, Engine

from mocklend.channels.callback_secrets import callback_secrets
from mocklend.config import STATEMENT_TIMEOUT_S, STATUS_PAGES_MAX, Settings
from mocklend.domain.problems import Refused
from mocklend.live_series import LiveSeries
from mocklend.loaders import register_loaders
from mocklend.plugins import installed
from mocklend.pulse import HealthDoc, Pulse
from mocklend.receivers import ReceiverPolicy
from mocklend.sandbox_uses import SandboxUses
from mocklend.sandboxes import advances, lifecycle, uses
from mocklend.sandboxes.advances import Move
from mocklend.sandboxes.known import KnownSandboxes
from mocklend.sandboxes.lifecycle import DEFAULT, DEFAULT_ZONE, Bounds
from mocklend.scheduling.background import Jobs
from mocklend.scheduling.driver import ClockDriver
from mocklend.scheduling.emptier import Emptier
from mocklend.scheduling.processes import SERVER, Processes
from mocklend.scheduling.released import Advanced
from mocklend.servicing.follow_ups import FOLLOW_UPS
from mocklend.signing import hash_of_key
from mocklend.steady import MARK_EVERY_MS, SteadyTime, latest_mark, leave_mark, start_after
from mocklend.storage.engines import ground_of, is_alone, open_engine, reading, writing
from mocklend.storage.ground import Ground
from mocklend.storage.redis_link import open_link
from mocklend.storage.snapshot import PlatformLayer, Snapshot
from mocklend.storage.statements import flush
from mocklend.storage.upgrading import make_present
from mocklend.storage.work import Answer, Command, Idempotency, Sandbox
from mocklend.summary import LastLooks
from mocklend.views.page_cache import PageCache
from mocklend.views.replica_rotation import ReplicaRotation
from mocklend.views.shared_pages import SharedPages
from mocklend.writer import Writer

if TYPE_CHECKING:
    from mocklend.audit import Audit


def database_url(database: str) -> str:
    """Return a database's URL, from a URL or from the path of an SQLite file."""
    return database if "://" in database else f"sqlite:///{Path(database).absolute()}"


def make_key() -> str:
    """Generate an API key for a sandbox."""
    return "mk_" + secrets.token_urlsafe(24)


class NewSandbox(Sandbox, frozen=True):
    """A sandbox that was just created, with its API key, which cannot be read again."""

    api_key: str = ""


def find_layer() -> PlatformLayer | None:
    """Load the fault layer of the entry-point group `mocklend.layer`; None if none is installed."""
    for entry in installed("mocklend.layer"):
        layer: PlatformLayer = entry.load()()
        return layer
    return None


class Platform:
    """The platform of one process. Thread-safe; close it when done."""

    def __init__(
        self,
        database: str | Engine,
        layer: PlatformLayer | None = None,
        *,
        fast: bool = False,
        receivers: ReceiverPolicy | None = None,
        bounds: Bounds | None = None,
        delivers: bool = True,
        alone: bool = False,
        status_pages: int = STATUS_PAGES_MAX,
        statement_wait_s: float = STATEMENT_TIMEOUT_S,
        redis_url: str = "",
        real_ms: Callable[[], int] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open a platform, on a database's URL or path, or on an engine that was opened for it.

        Without `delivers` webhooks stay in the outbox when a manual clock moves.

        `alone` says that no other process opens the database meanwhile: then status pages are kept in memory. For
        SQLite; raises CannotOpen if another process has the database open, and also without `alone` if a server has it.
        `status_pages` is how many are kept; none with 0. `statement_wait_s` limits a statement on PostgreSQL.
        `redis_url` is a Redis server that keeps them instead, for all processes. For PostgreSQL; raises CannotOpen.

        `receivers` says which addresses webhooks are sent to, by default loopback only. `bounds` limits the number of
        sandboxes. `real_ms` and `monotonic` are for tests; by default, real time starts at the machine's clock and
        never goes back.
        """
        self.layer = layer
        self._next_mark_ms = 0
        self._limits = (bounds or Bounds()).limits()
        register_loaders()
        self.shared_pages = SharedPages(open_link(database, redis_url)) if redis_url else None
        """The status pages in Redis; None if there is none."""
        if isinstance(database, str):
            database = open_engine(database, fast=fast, alone=alone, statement_wait_s=statement_wait_s)
        else:
            make_present(database)  # The layer's tables may have become known since.
        self.engine = database
        with reading(self.engine) as connection:
            self.real_ms: Callable[[], int] = real_ms or start_after(latest_mark(connection))
        self.live_series = LiveSeries(self.real_ms)
        self.writer = Writer(self.engine, layer, self.real_ms, follow_ups=FOLLOW_UPS)
        self.pages = PageCache(status_pages) if status_pages and is_alone(self.engine) else None
        """The status pages in memory; None if another process may write the database."""
        if self.pages is not None:
            self.writer.on_pages = self.pages.drop
        self.writer.fence.store = self.shared_pages
        self.replica_rotation = ReplicaRotation()
        self.receivers = receivers or ReceiverPolicy()
        self.clocks = ClockDriver(
            self.engine,
            self.writer,
            receivers=self.receivers,
            clocks_limit=self._limits.clocks,
            delivers=delivers,
            real_ms=self.real_ms,
            monotonic=monotonic,
        )
        self.delivery_workers = self.clocks.delivery_workers
        self.emptier = Emptier(self.engine, self.writer, self.clocks, on_taken=self._notify_emptied)
        self.uses = SandboxUses(self.engine, self.writer, self.real_ms)
        self.known = KnownSandboxes(self.engine)
        self.known.on_reset = self._notify_reset_elsewhere
        self.on_reset_elsewhere: Callable[[str], None] = lambda sandbox_id: None
        """Called once another process has reset a sandbox, with its id."""
        self.on_clock_moved: list[Callable[[str, int, int], None]] = []
        """Called once `move_clock` has moved a clock, with its times before and after: by each app of this platform."""
        if layer is not None and self.known.shared:
            layer.share(partial(writing, self.engine, waits_for_disk=False))
            self.known.on_rules = layer.compare_rules
        self.jobs = Jobs(
            self.engine,
            self.writer,
            process=self.clocks.runs.process,
            processes=lambda: self.clocks.processes,
            real_ms=self.real_ms,
        )
        """What runs beside the requests that began it."""
        self.last_looks = LastLooks()
        """What this process has last seen of each sandbox: its alerts, and the last audit."""
        self.pulse = Pulse(self.look, self.ground)

    def join(self, kind: str, *, runs_clocks: bool = True) -> Processes | None:
        """Share the clocks with the other processes of the database; None on SQLite. Call its `beat` every second."""
        if not self.known.shared:
            return None
        processes = Processes(self.engine, kind=kind, runs_clocks=runs_clocks, real_ms=self.real_ms)
        processes.beat()
        self.clocks.join(processes)
        return processes

    def processes_alive(self, kind: str) -> int:
        """Return how many processes of a kind share the database, as far as is known; alone it is a server."""
        processes = self.clocks.processes
        return int(kind == SERVER) if processes is None else processes.alive(kind)

    @property
    def others_served(self) -> bool:
        """Whether another process has answered requests since this one started, as far as it is known."""
        return self.clocks.processes is not None and self.clocks.processes.others_served

    def stop_clocks(self) -> None:
        """Let a running tick or advance end soon: what is due stays due."""
        self.clocks.stop()

    def close(self) -> None:
        """Answer the queued commands, then close the database."""
        self.stop_clocks()
        self.pulse.close()
        self.clocks.close_delivery()
        self.jobs.close()
        self.writer.close()
        if self.clocks.processes is not None:
            with suppress(Refused):
                self.clocks.processes.leave()
        self.clocks.close()
        if self.shared_pages is not None:
            self.shared_pages.close()
        self.engine.dispose()

    # --- commands and reads ---

    @property
    def ground(self) -> Ground:
        """What is known of the database's condition."""
        return ground_of(self.engine)

    def run(self, command: Command) -> Answer:
        """Run a command. Its answer is durable when this returns. Raises Refused."""
        return self.writer.run(command)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a consistent snapshot for reading."""
        with reading(self.engine) as connection:
            yield connection

    @contextmanager
    def snapshot(self, sandbox_id: str) -> Iterator[Snapshot]:
        """Open a consistent snapshot of a sandbox, at its time. Raises Refused `sandbox_unknown`."""
        with self.read() as connection:
            sandbox = self.sandbox(connection, sandbox_id)
            yield Snapshot(connection, sandbox, sandbox.now_ms(self.real_ms()))

    def health(self) -> HealthDoc:
        """Whether the database can be read and written, answered at once (see `pulse`). Raises Unavailable, Refused."""
        return self.pulse.health(self.engine.dialect.name, layer=self.layer is not None)

    def look(self) -> None:
        """Check that the database can be read and written. Raises Unavailable."""
        with self.read() as connection:
            connection.exec_driver_sql("SELECT 1")
        self.writer.look()

    def sandbox(self, connection: Connection, sandbox_id: str) -> Sandbox:
        """Return a sandbox from this snapshot. Raises Refused `sandbox_unknown`."""
        return lifecycle.required(connection, sandbox_id)

    def move_clock(self, sandbox_id: str, move: Move, within_s: float) -> None:
        """Advance a sandbox's clock for a page or a class: no request to the sandbox asks for it. Raises Refused."""
        before_ms = self.now_ms(sandbox_id)
        advanced = self.clocks.runs.advance(sandbox_id, move, None, within_s)
        with self.snapshot(sandbox_id) as snapshot:
            running = advances.find(snapshot, advanced) if isinstance(advanced, int) else None
            after_ms = snapshot.now_ms if running is None else running.to_ms
        for told in self.on_clock_moved:
            told(sandbox_id, before_ms, after_ms)

    def now_ms(self, sandbox_id: str) -> int:
        """Return a sandbox's current time. Raises Refused `sandbox_unknown`."""
        with self.snapshot(sandbox_id) as snapshot:
            return snapshot.now_ms

    def audit(self, sandbox_id: str) -> Audit:
        """Compare world, books and views in one snapshot. Raises Refused `sandbox_unknown`."""
        from mocklend.audit import audit  # Here: a server starts without it.

        with self.snapshot(sandbox_id) as snapshot:
            return audit(snapshot)

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
        label: str | None = None,
        truth: str = lifecycle.SHOWN,
        api_key: str | None = None,
    ) -> NewSandbox:
        """Create a sandbox. A wall clock without a start shows real time; a manual clock moves only by `advance`.

        Without `api_key` a key is generated; only the returned value has it. Raises Refused `too_many_sandboxes`,
        `too_many_clocks`.
        """
        api_key = api_key or make_key()
        real_ms = self.real_ms()
        start_ms = real_ms if now_ms is None else now_ms
        sandbox = NewSandbox(
            id=id or "sbx_" + secrets.token_hex(10),
            key_hash=hash_of_key(api_key),
            callback_secrets=callback_secrets(api_key),
            api_key=api_key,
            seed=seed,
            zone=zone,
            mode=mode,
            sandbox_ms=start_ms,
            real_ms=real_ms,
            speed=0 if mode == "manual" else speed,
            rules_version=0,
            endpoints=(),
            created_ms=start_ms,
            four_eyes_above_minor=four_eyes_above_minor,
            monitored=int(monitored),
            page_epoch=0 if self.shared_pages is None else real_ms,
            tolerance_minor=tolerance_minor,
            net_by=net_by,
            label=label,
            truth=truth,
        )

        def insert(connection: Connection) -> None:
            if sandbox.id != DEFAULT:
                self._limits.sandboxes.refuse_one_more(connection)
                if sandbox.speed:
                    self._limits.clocks.refuse_one_more(connection)
            lifecycle.create(connection, sandbox)
            uses.note(connection, [sandbox.id], real_ms)

        self.writer.call(insert)
        self.clocks.look_for_clocks()
        return sandbox

    def ensure_default(self, seed: int) -> Sandbox:
        """Return the sandbox of calls without a key; create it with a real clock if it does not exist."""
        self.emptier.finish(DEFAULT)
        with self.read() as connection:
            sandbox = lifecycle.find(connection, "id", DEFAULT)
        self.uses.write_unknown()
        return sandbox or self.create_sandbox(seed=seed, mode="wall", id=DEFAULT)

    def give_key(self, sandbox_id: str, api_key: str) -> None:
        """Replace a sandbox's API key.

        Raises Refused `sandbox_unknown`, or `validation_failed` if the key opens another sandbox.
        """

        def give(connection: Connection) -> None:
            if lifecycle.is_emptying(connection, "key_hash", hash_of_key(api_key)):
                raise lifecycle.being_reset()
            holder = lifecycle.find(connection, "key_hash", hash_of_key(api_key))
            if holder is not None and holder.id != sandbox_id:
                raise Refused("validation_failed", f"the key that is meant for {sandbox_id} opens another sandbox")
            keyed = replace(
                self.sandbox(connection, sandbox_id),
                key_hash=hash_of_key(api_key),
                callback_secrets=callback_secrets(api_key),
            )
            lifecycle.store_key(connection, keyed)

        self.writer.call(give)
        self.known.forget_keys(sandbox_id)

    def reset_sandbox(self, sandbox_id: str) -> Sandbox:
        """Empty a sandbox. The seed stays, so the same story has the same ids.

        Other sandboxes write meanwhile; requests to this one are refused with `sandbox_emptying`. Raises Refused
        `sandbox_unknown`, `server_stopping`.
        """
        with self.clocks.advance_lock(sandbox_id):
            self.emptier.empty(sandbox_id, returns=True)
            with self.read() as connection:
                emptied = self.sandbox(connection, sandbox_id)
            self.known.reset_here(sandbox_id, emptied.resets)
            self._notify_emptied(sandbox_id)
        return emptied

    def delete_sandbox(self, sandbox_id: str) -> None:
        """Delete a sandbox and everything in it. Raises Refused `sandbox_unknown`, `sandbox_default`, and others.

        Others are those of `reset_sandbox`. From the first commit on the sandbox is unknown.
        """
        if sandbox_id == DEFAULT:
            raise Refused("sandbox_default", "requests without a key use it", sandbox_id=sandbox_id)
        with self.clocks.advance_lock(sandbox_id):
            self.emptier.empty(sandbox_id, returns=False)
            self._notify_emptied(sandbox_id)
        self.known.forget(sandbox_id)
        self.clocks.gone(sandbox_id)

    def _notify_reset_elsewhere(self, sandbox_id: str) -> None:
        self._notify_emptied(sandbox_id)
        self.on_reset_elsewhere(sandbox_id)

    def _notify_emptied(self, sandbox_id: str) -> None:
        self.clocks.emptied(sandbox_id)
        self.replica_rotation.forget(sandbox_id)
        self.live_series.forget(sandbox_id)
        if self.pages is not None:
            self.pages.drop([sandbox_id])
        self.last_looks.forget(sandbox_id)
        if self.layer is not None:
            self.layer.sandbox_reset(sandbox_id)

    def expire_sandboxes(self, unused_for_ms: int) -> tuple[list[str], bool]:
        """Delete the sandboxes that were not used for a time, except `default`: which, and whether there are more."""
        return self.uses.expire(unused_for_ms, self.delete_sandbox)

    def sandbox_of_key(self, api_key: str) -> str | None:
        """Return the id of the sandbox that an API key opens, or None."""
        return self.known.by_key(api_key)

    def sandbox_of_staff(self, key: str) -> str | None:
        """Return the id of the sandbox whose staff key this is, or None. It opens all planes but the control plane."""
        return self.known.by_staff_key(key)

    def seed_known(self, sandbox_id: str) -> int | None:
        """Return a sandbox's seed, if it is cached."""
        return self.known.cached_seed(sandbox_id)

    def rules_version_known(self, sandbox_id: str) -> int | None:
        """Return the version of the rules that are loaded of a sandbox; None if none is. 0 without a layer."""
        return 0 if self.layer is None else self.layer.loaded_version(sandbox_id)

    def seed_of(self, sandbox_id: str) -> int:
        """Return a sandbox's seed, which never changes. Raises Refused `sandbox_unknown`."""
        return self.known.seed_of(sandbox_id)

    # --- time ---

    def advance(
        self,
        sandbox_id: str,
        to_ms: int | None = None,
        *,
        by_ms: int | None = None,
        idem: Idempotency | None = None,
    ) -> Advanced:
        """Move a manual clock, to a moment or by a time (ms), and run everything that falls due on the way.

        Raises Refused `sandbox_unknown`, `clock_not_manual`, `clock_backwards`, `clock_reset`, `server_stopping`.
        """
        return self.clocks.advance(sandbox_id, to_ms, by_ms=by_ms, idem=idem)

    def set_pace(self, sandbox_id: str, speed: int) -> Answer:
        """Stop a clock (speed 0), or let it run on from where it is. A running advance or tick ends first."""
        return self.clocks.set_pace(sandbox_id, speed)

    def tick(self) -> int:
        """Run what is due in every sandbox whose clock runs by itself. Returns how many things ran."""
        done = self.clocks.tick()
        self.emptier.tick()
        self._mark_time()
        self.uses.tick()
        return done

    def run_clocks(self) -> None:
        """Tick, and again as long as a tick leaves something that is due."""
        self.tick()
        while self.clocks.has_more:
            self.tick()

    def _write_mark(self, connection: Connection, now_ms: int) -> int:
        if self.layer is not None and self.known.shared:  # So that other processes can read what this one counted.
            flush(connection, self.layer.drain())
        return leave_mark(connection, now_ms)

    def _mark_time(self) -> None:
        """Write the current real time once a second, so that a restart does not go back behind it."""
        if not isinstance(self.real_ms, SteadyTime):
            return
        now_ms = self.real_ms()
        if now_ms >= self._next_mark_ms:
            self._next_mark_ms = now_ms + MARK_EVERY_MS
            latest = self.writer.call(lambda connection: self._write_mark(connection, now_ms), waits_for_disk=False)
            self.real_ms.catch_up(latest)


def open_platform(settings: Settings, engine: Engine | None = None) -> Platform:
    """Open the platform that the settings describe, with the installed fault layer if there is one.

    On an engine that was opened for it, or on the database of the settings. Raises CannotOpen.
    """
    return Platform(
        engine or settings.database,
        find_layer(),
        fast=settings.durability == "fast",
        receivers=settings.receivers,
        bounds=Bounds(settings.max_sandboxes, settings.max_running_clocks),
        status_pages=settings.status_pages,
        statement_wait_s=settings.statement_timeout_s,
        redis_url=settings.redis_url,
    )


__all__ = ["Platform", "database_url", "find_layer", "installed", "open_platform"]
