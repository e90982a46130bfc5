"""The opened platform: engine, writer, clocks and, where one is installed, a fault layer. What all else holds on to."""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

from msgspec.structs import replace
from sqlalchemy import Connection

from mocklend import audit as auditing
from mocklend.channels.callback_secrets import callback_secrets
from mocklend.domain.problems import Refused
from mocklend.loaders import register_loaders
from mocklend.pulse import Pulse
from mocklend.receivers import ReceiverPolicy
from mocklend.sandboxes import lifecycle, uses
from mocklend.sandboxes.lifecycle import DEFAULT, DEFAULT_ZONE, Bounds
from mocklend.sandboxes.timestamps import LAST_MS
from mocklend.scheduling.driver import Advanced, ClockDriver
from mocklend.servicing.follow_ups import FOLLOW_UPS
from mocklend.signing import hash_of_key
from mocklend.steady import MARK_EVERY_MS, SteadyTime, latest_mark, leave_mark, start_after
from mocklend.storage.engines import ground_of, open_engine, reading
from mocklend.storage.ground import Ground
from mocklend.storage.snapshot import PlatformLayer, Snapshot
from mocklend.storage.work import Answer, Command, Idempotency, Sandbox
from mocklend.views.replica_rotation import ReplicaRotation
from mocklend.writer import Writer

EXPIRED_MAX = 500
"""So many sandboxes go at one time: each is a commit of its own, with others in between."""


def database_url(database: str) -> str:
    """A database's URL, from a URL or from a path of an SQLite file."""
    return database if "://" in database else f"sqlite:///{Path(database).absolute()}"


def make_key() -> str:
    """A key for a sandbox."""
    return "mk_" + secrets.token_urlsafe(24)


class NewSandbox(Sandbox, frozen=True):
    """A sandbox that was just made, with its key: nobody can read that again."""

    api_key: str = ""


def find_layer() -> PlatformLayer | None:
    """The fault layer of the entry-point group `mocklend.layer`. With none installed the platform is honest."""
    for entry in installed("mocklend.layer"):
        layer: PlatformLayer = entry.load()()
        return layer
    return None


def installed(group: str) -> Iterator[EntryPoint]:
    """The entry points of a group whose package is there: an entry may still be announced when its package is gone."""
    for entry in entry_points(group=group):
        if find_spec(entry.module.partition(".")[0]) is not None:
            yield entry


class Platform:
    """One process's hold on the platform. Thread-safe; close it when done."""

    def __init__(
        self,
        database: str,
        layer: PlatformLayer | None = None,
        *,
        fast: bool = False,
        receivers: ReceiverPolicy | None = None,
        bounds: Bounds | None = None,
        delivers: bool = True,
        real_ms: Callable[[], int] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open a platform. One that does not deliver leaves webhooks in the outbox when a manual clock moves.

        `receivers` says which addresses webhooks go to; without it, to loopback only. `bounds` is how many sandboxes
        there may be.
        `real_ms` is for tests; without it, time runs steadily from the machine's clock on, and never goes back.
        """
        self.layer = layer
        self._next_mark_ms = 0
        self._next_note_ms = 0
        self._bounds = bounds or Bounds()
        self._used: set[str] = set()
        register_loaders()
        self.engine = open_engine(database, fast=fast)
        with reading(self.engine) as connection:
            self.real_ms: Callable[[], int] = real_ms or start_after(latest_mark(connection))
        self.writer = Writer(self.engine, layer, self.real_ms, follow_ups=FOLLOW_UPS)
        self.replica_rotation = ReplicaRotation()
        self.receivers = receivers or ReceiverPolicy()
        self.clocks = ClockDriver(
            self.engine,
            self.writer,
            receivers=self.receivers,
            bounds=self._bounds,
            delivers=delivers,
            real_ms=self.real_ms,
            monotonic=monotonic,
        )
        self.delivery_workers = self.clocks.delivery_workers
        self._sandbox_of_key: dict[str, str] = {}
        self._seeds: dict[str, int] = {}
        self.pulse = Pulse(self.look, self.ground)

    def stop_clocks(self) -> None:
        """Have a tick or an advance that is under way end soon: what is due stays due."""
        self.clocks.stop()

    def close(self) -> None:
        """Answer what waits, then let go of the database."""
        self.stop_clocks()
        self.pulse.close()
        self.clocks.close_delivery()
        self.writer.close()
        self.clocks.close()
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

    @contextmanager
    def snapshot(self, sandbox_id: str) -> Iterator[Snapshot]:
        """One consistent snapshot of a sandbox, at its time. Raises Refused `sandbox_unknown`."""
        with self.read() as connection:
            sandbox = self.sandbox(connection, sandbox_id)
            yield Snapshot(connection, sandbox, sandbox.now_ms(self.real_ms()))

    def look(self) -> None:
        """Whether the database can be read and written: tried, where it is not known. Raises Unavailable."""
        with self.read() as connection:
            connection.exec_driver_sql("SELECT 1")
        self.writer.look()

    def sandbox(self, connection: Connection, sandbox_id: str) -> Sandbox:
        """A sandbox as it is in this snapshot."""
        return lifecycle.required(connection, sandbox_id)

    def now_ms(self, sandbox_id: str) -> int:
        """A sandbox's time, now."""
        with self.snapshot(sandbox_id) as snapshot:
            return snapshot.now_ms

    def audit(self, sandbox_id: str) -> auditing.Audit:
        """World against books against views, in one snapshot."""
        with self.snapshot(sandbox_id) as snapshot:
            return auditing.audit(snapshot)

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
        api_key: str | None = None,
    ) -> NewSandbox:
        """A new sandbox. A wall clock without a start shows real time; a manual one moves only when told.

        If no key is given, one is made; it is only in what this returns.
        """
        api_key = api_key or make_key()
        real_ms = self.real_ms()
        start_ms = real_ms if now_ms is None else now_ms
        made = NewSandbox(
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
            tolerance_minor=tolerance_minor,
            net_by=net_by,
        )

        def put(connection: Connection) -> None:
            if made.id != DEFAULT:
                self._bounds.refuse_one_more(connection)
                if made.speed:
                    self._bounds.refuse_one_more_clock(connection)
            lifecycle.create(connection, made)
            uses.note(connection, [made.id], real_ms)

        self.writer.call(put)
        self.clocks.look_for_clocks()
        return made

    def ensure_default(self, seed: int) -> Sandbox:
        """The sandbox of calls without a key: made on a real clock if it is not there yet."""
        with self.read() as connection:
            found = lifecycle.find(connection, "id", DEFAULT)
        self.writer.call(lambda connection: uses.note_unknown(connection, self.real_ms()))
        return found or self.create_sandbox(seed=seed, mode="wall", id=DEFAULT)

    def give_key(self, sandbox_id: str, api_key: str) -> None:
        """Have a sandbox opened by this key, and by no other from now on. Raises Refused."""

        def give(connection: Connection) -> None:
            opened = lifecycle.find(connection, "key_hash", hash_of_key(api_key))
            if opened is not None and opened.id != sandbox_id:
                raise Refused("validation_failed", f"the key that is meant for {sandbox_id} opens another sandbox")
            keyed = replace(
                self.sandbox(connection, sandbox_id),
                key_hash=hash_of_key(api_key),
                callback_secrets=callback_secrets(api_key),
            )
            lifecycle.store_key(connection, keyed)

        self.writer.call(give)
        self._forget_key(sandbox_id)

    def _forget_key(self, sandbox_id: str) -> None:
        self._sandbox_of_key = {key: id for key, id in self._sandbox_of_key.items() if id != sandbox_id}

    def reset_sandbox(self, sandbox_id: str) -> Sandbox:
        """Empty a sandbox; the same seed again, so the same ids again."""

        def empty(connection: Connection) -> Sandbox:
            emptied = lifecycle.reset(connection, self.sandbox(connection, sandbox_id))
            uses.note(connection, [sandbox_id], self.real_ms())
            return emptied

        with self.clocks.advance_lock(sandbox_id):
            emptied: Sandbox = self.writer.call(empty)
            self._tell_emptied(sandbox_id)
        return emptied

    def delete_sandbox(self, sandbox_id: str) -> None:
        """Remove a sandbox and everything in it. Refused for `default`, which those without a key have."""
        if sandbox_id == DEFAULT:
            raise Refused("sandbox_default", "requests without a key are about it", sandbox_id=sandbox_id)

        def remove(connection: Connection) -> None:
            self.sandbox(connection, sandbox_id)
            lifecycle.delete(connection, sandbox_id)

        with self.clocks.advance_lock(sandbox_id):
            self.writer.call(remove)
            self._tell_emptied(sandbox_id)
        self._seeds.pop(sandbox_id, None)
        self._forget_key(sandbox_id)
        self.clocks.gone(sandbox_id)

    def _tell_emptied(self, sandbox_id: str) -> None:
        self.clocks.emptied(sandbox_id)
        if self.layer is not None:
            self.layer.sandbox_reset(sandbox_id)

    def use(self, sandbox_id: str) -> None:
        """Somebody asks something of a sandbox. It is written down within a minute: see `uses`."""
        if sandbox_id not in self._used:
            self._used.add(sandbox_id)

    def note_uses(self) -> None:
        """Write down which sandboxes were used since this was done last."""
        used, now_ms = frozenset(self._used), self.real_ms()
        self._next_note_ms = now_ms + uses.NOTED_EVERY_MS
        if used:
            self.writer.call(lambda connection: uses.note(connection, used, now_ms), waits_for_disk=False)
            self._used -= used

    def sandboxes(self, after: str, most: int, unused_for_ms: int | None = None) -> Sequence[tuple[Sandbox, int]]:
        """Sandboxes by their ids, and the real time at which each was last used: all, or those unused for so long."""
        self.note_uses()
        until_ms = LAST_MS if unused_for_ms is None else self.real_ms() - unused_for_ms
        with self.read() as connection:
            return uses.listed(connection, after, until_ms, most)

    def expire_sandboxes(self, unused_for_ms: int) -> tuple[list[str], bool]:
        """Delete sandboxes that nobody has used for so long, but for `default`: which, and whether there are more."""
        self.note_uses()
        with self.read() as connection:
            found = uses.unused(connection, self.real_ms() - unused_for_ms)
        gone = []
        for sandbox_id in found[:EXPIRED_MAX]:
            if sandbox_id not in self._used:  # Else somebody has come just now.
                with suppress(Refused):  # Somebody else has deleted it.
                    self.delete_sandbox(sandbox_id)
                    gone.append(sandbox_id)
        return gone, len(found) > EXPIRED_MAX

    def sandbox_of_key(self, api_key: str) -> str | None:
        """The sandbox that an API key opens."""
        digest = hash_of_key(api_key)
        known = self._sandbox_of_key.get(digest)
        if known is None:
            with self.read() as connection:
                found = lifecycle.find(connection, "key_hash", digest)
            if found is None:
                return None
            known = self._sandbox_of_key[digest] = found.id
        return known

    def sandbox_of_staff(self, key: str) -> str | None:
        """The sandbox that a staff key opens, but for the control plane."""
        digest = hash_of_key(key)
        known = self._sandbox_of_key.get(digest)
        if known is None:
            with self.read() as connection:
                found = lifecycle.find(connection, "id", key.removeprefix(lifecycle.STAFF).partition(".")[0])
            if found is None or not hmac.compare_digest(lifecycle.staff_key(found), key):
                return None
            known = self._sandbox_of_key[digest] = found.id
        return known

    def sandbox_known_by(self, api_key: str) -> str | None:
        """The sandbox that an API key opens, where that is known without asking the database."""
        return self._sandbox_of_key.get(hash_of_key(api_key))

    def seed_known(self, sandbox_id: str) -> int | None:
        """A sandbox's seed, where that is known without asking the database."""
        return self._seeds.get(sandbox_id)

    def seed_of(self, sandbox_id: str) -> int:
        """A sandbox's seed, which stays what it is. Raises Refused."""
        known = self._seeds.get(sandbox_id)
        if known is None:
            with self.read() as connection:
                known = self._seeds[sandbox_id] = self.sandbox(connection, sandbox_id).seed
        return known

    # --- time ---

    def advance(
        self,
        sandbox_id: str,
        to_ms: int | None = None,
        *,
        by_ms: int | None = None,
        idem: Idempotency | None = None,
    ) -> Advanced:
        """Move a manual clock, to a moment or by a time, running all that falls due on the way. Raises Refused."""
        return self.clocks.advance(sandbox_id, to_ms, by_ms=by_ms, idem=idem)

    def set_pace(self, sandbox_id: str, speed: int) -> Answer:
        """Hold a clock (speed 0), or let it run on from where it is. An advance or a tick that runs ends first."""
        return self.clocks.set_pace(sandbox_id, speed)

    def tick(self) -> int:
        """Run what is due in every sandbox whose clock runs by itself. Returns how many things ran."""
        done = self.clocks.tick()
        self._mark_time()
        if self._used and self.real_ms() >= self._next_note_ms:
            self.note_uses()
        return done

    def _mark_time(self) -> None:
        """Once a second, leave on the database how late it is: a restart does not go back behind that."""
        if not isinstance(self.real_ms, SteadyTime):
            return
        now_ms = self.real_ms()
        if now_ms >= self._next_mark_ms:
            self._next_mark_ms = now_ms + MARK_EVERY_MS
            latest = self.writer.call(lambda connection: leave_mark(connection, now_ms), waits_for_disk=False)
            self.real_ms.catch_up(latest)


__all__ = ["Platform", "database_url", "find_layer", "installed"]
