"""The opened platform: engine, writer, clocks and, where one is installed, a fault layer. What all else holds on to."""

from __future__ import annotations

import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import requests
from msgspec.structs import replace
from sqlalchemy import Connection

from mocklend import audit as auditing
from mocklend.channels.callback_secrets import callback_secrets
from mocklend.domain.problems import Refused
from mocklend.pulse import Pulse
from mocklend.receivers import ReceiverPolicy
from mocklend.sandboxes import lifecycle, uses
from mocklend.sandboxes.lifecycle import DEFAULT, DEFAULT_ZONE, Bounds, ClaimAdvance, MoveClock, SetPace
from mocklend.sandboxes.moments import LAST_MS, rfc3339
from mocklend.scheduling.agenda import Agenda, Portions
from mocklend.scheduling.due import QUICK, Due, command_for, due, due_webhooks
from mocklend.seams import Layer
from mocklend.signing import hash_of_key
from mocklend.steady import MARK_EVERY_MS, SteadyTime, latest_mark, leave_mark, start_after
from mocklend.storage import entities  # noqa: F401  (registers how rows become entities)
from mocklend.storage.engines import ground_of, open_engine, reading
from mocklend.storage.entities import Webhook
from mocklend.storage.ground import Ground
from mocklend.storage.stores import load_all, rows
from mocklend.storage.work import Answer, Command, Idempotency, Sandbox
from mocklend.views.turns import Turns
from mocklend.webhooks.delivery import TIMED_OUT, RecordDelivery, deliver, endpoint_of, open_session
from mocklend.webhooks.workers import DeliveryWorkers, Parcel
from mocklend.writer import Writer

DUE_AT_ONCE = 500
DUE_TOGETHER = 64
SLICE_S = 0.05
"""So long one sandbox's due work runs before the next sandbox has its turn."""
ROUNDS_S = 1.0
"""A tick ends by then, with what is left to do for the next one."""
ADVANCE_TOGETHER = 250
"""Due things in one commit: few where a clock runs by itself and clients wait, more where a test moves the clock."""
TOLD_AT_MOST = 1_000
"""An advance tells the first so many things that it released and counts the rest: a year of many loans has millions."""

NAMES_EVERY_MS = 1_000
EXPIRED_MOST = 500
"""So many sandboxes go at one time: each is a commit of its own, with others in between."""
DELIVERED_MOST = 5_000
"""An advance waits for so many webhooks; the rest goes out after it has answered."""
BURST_S = 1.0
"""So long at a time an advance works with nobody else writing in its sandbox; then those who wait have their turn."""
WEBHOOKS_WITHIN_S = 5.0
"""An advance answers at the latest so long after its clock has arrived, whatever receivers do."""


def database_url(database: str) -> str:
    """A database's URL, from a URL or from a path of an SQLite file."""
    return database if "://" in database else f"sqlite:///{Path(database).absolute()}"


def make_key() -> str:
    """A key for a sandbox."""
    return "mk_" + secrets.token_urlsafe(24)


class NewSandbox(Sandbox, frozen=True):
    """A sandbox that was just made, with its key: nobody can read that again."""

    api_key: str = ""


def find_layer() -> Layer | None:
    """The fault layer of the entry-point group `mocklend.layer`. With none installed the platform is honest."""
    for entry in installed("mocklend.layer"):
        layer: Layer = entry.load()()
        return layer
    return None


def installed(group: str) -> Iterator[EntryPoint]:
    """The entry points of a group whose package is there: an entry may still be announced when its package is gone."""
    for entry in entry_points(group=group):
        if find_spec(entry.module.partition(".")[0]) is not None:
            yield entry


@dataclass(slots=True)
class Advanced:
    """What an advance of a clock released: the first things one by one, all of them counted by kind."""

    now_ms: int
    released: list[dict[str, Any]] = field(default_factory=list)
    by_kind: dict[str, int] = field(default_factory=dict)
    replayed: bool = False

    @property
    def total(self) -> int:
        """How many things fell due on the way."""
        return sum(self.by_kind.values())

    def count(self, items: Sequence[Due]) -> None:
        """These were worked off, in this order."""
        self.released += [_released(item) for item in items[: TOLD_AT_MOST - len(self.released)]]
        for item in items:
            self.by_kind[item.what] = self.by_kind.get(item.what, 0) + 1

    def count_webhooks(self, items: Sequence[Due]) -> None:
        """These were sent meanwhile. They take their places by the moments at which they were due."""
        if items:
            sent = [_released(item) for item in sorted(items, key=lambda item: (item.due_ms, item.id))]
            self.released = sorted([*self.released, *sent], key=lambda one: one["at"])[:TOLD_AT_MOST]
            self.by_kind["webhook"] = len(items)

    def to_json(self) -> dict[str, Any]:
        """As the control API answers it."""
        return {
            "now": rfc3339(self.now_ms),
            "released": self.released,
            "released_total": self.total,
            "released_more": self.total > len(self.released),
            "released_by_kind": dict(sorted(self.by_kind.items())),
        }


class Platform:
    """One process's hold on the platform. Thread-safe; close it when done."""

    def __init__(
        self,
        database: str,
        layer: Layer | None = None,
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
        self._delivers = delivers
        self._monotonic = monotonic
        self._next_mark_ms = 0
        self._next_note_ms = 0
        self._next_names_ms = 0
        self._names: list[str] = []
        self._bounds = bounds or Bounds()
        self._pacing = threading.Lock()
        self._used: set[str] = set()
        self._agenda = Agenda()
        self._portions = Portions(DUE_TOGETHER, SLICE_S)
        self.engine = open_engine(database, fast=fast)
        with reading(self.engine) as connection:
            self.real_ms: Callable[[], int] = real_ms or start_after(latest_mark(connection))
        self.writer = Writer(self.engine, layer, self.real_ms)
        self.writer.on_written = self._agenda.touch
        self.turns = Turns()
        self.receivers = receivers or ReceiverPolicy()
        self._session: requests.Session = open_session(self.receivers)
        self._sandbox_of_key: dict[str, str] = {}
        self._seeds: dict[str, int] = {}
        self._advancing: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()
        self.delivery_workers = DeliveryWorkers(self._carry)
        self._undelivered: set[str] = set()
        self._closing = False
        self.pulse = Pulse(self.look, self.ground)

    def stop_clocks(self) -> None:
        """Have a tick or an advance that is under way end soon: what is due stays due."""
        self._closing = True

    def close(self) -> None:
        """Answer what waits, then let go of the database."""
        self.stop_clocks()
        self.pulse.close()
        self.delivery_workers.close()
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
        api_key: str | None = None,
    ) -> NewSandbox:
        """A new sandbox. A wall clock without a start shows real time; a manual one moves only when told.

        Its key is made up where none is given, and is nowhere but in what this gives back.
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
            endpoints="[]",
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
        self._next_names_ms = 0
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
            lifecycle.give_key(connection, keyed)

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

        with self._advance_lock(sandbox_id):
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

        with self._advance_lock(sandbox_id):
            self.writer.call(remove)
            self._tell_emptied(sandbox_id)
        self._seeds.pop(sandbox_id, None)
        self._forget_key(sandbox_id)
        with self._lock:
            self._advancing.pop(sandbox_id, None)

    def _tell_emptied(self, sandbox_id: str) -> None:
        self._agenda.touch([sandbox_id])
        self._portions.forget(sandbox_id)
        self.delivery_workers.forget(sandbox_id)
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
        for sandbox_id in found[:EXPIRED_MOST]:
            if sandbox_id not in self._used:  # Else somebody has come just now.
                with suppress(Refused):  # Somebody else has deleted it.
                    self.delete_sandbox(sandbox_id)
                    gone.append(sandbox_id)
        return gone, len(found) > EXPIRED_MOST

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
        """Move a manual clock, to a moment or by a time, running all that falls due on the way, in bounded memory.

        What is asked of the sandbox meanwhile waits, for a second at most at a time: so an advance has what was due
        when it began to do, however much keeps coming. Webhooks go out beside it; the answer waits for their receivers,
        but not for long.
        """
        with self._advance_lock(sandbox_id):
            if self._closing:
                raise Refused("server_stopping", "the clock was not moved")
            (claimed,) = self.writer.run_all([ClaimAdvance(sandbox_id, to_ms, by_ms, idem)])
            advanced = Advanced(claimed.body["to_ms"], replayed=claimed.replayed)
            self._go(sandbox_id, advanced, claimed.body["resets"])
        return advanced

    def set_pace(self, sandbox_id: str, speed: int) -> Answer:
        """Hold a clock (speed 0), or let it run on from where it is. An advance or a tick that runs ends first."""
        with self._advance_lock(sandbox_id), self._pacing:
            if speed and sandbox_id != DEFAULT:
                with self.read() as connection:
                    if not self.sandbox(connection, sandbox_id).speed:
                        self._bounds.refuse_one_more_clock(connection)
            paced = self.run(SetPace(sandbox_id, speed, self.real_ms()))
            self._next_names_ms = 0
            return paced

    def _go(self, sandbox_id: str, advanced: Advanced, resets: int) -> None:
        delivery = _Delivery(self, sandbox_id) if self._delivers else None
        while True:
            if self._closing:
                raise Refused("server_stopping", "the clock is on its way: asked for again, the advance goes on")
            until = self._monotonic() + BURST_S
            with self.writer.holding(sandbox_id):
                arrived = self._burst(sandbox_id, advanced, resets, until)
            if delivery is not None:
                delivery.send_out()
            if arrived:
                break
        if delivery is not None:
            if not delivery.wait(WEBHOOKS_WITHIN_S):
                self._undelivered.add(sandbox_id)
            advanced.count_webhooks(delivery.sent)

    def _burst(self, sandbox_id: str, advanced: Advanced, resets: int, until: float) -> bool:
        """Work for some time; whether the clock has arrived."""
        last: list[Due] = []
        while self._monotonic() < until:
            with self.read() as connection:
                items = due(connection, sandbox_id, advanced.now_ms, DUE_AT_ONCE, only=QUICK)
                clock_ms = self.sandbox(connection, sandbox_id).sandbox_ms
            if not items:
                if clock_ms < advanced.now_ms:
                    self.writer.run_all([MoveClock(sandbox_id, advanced.now_ms, resets)])
                return True
            at_ms = max(items[0].due_ms, clock_ms)
            # One kind at a time: a settlement queues a callback, and that comes before the calendar.
            together = [item for item in items if (item.due_ms, item.what) == (items[0].due_ms, items[0].what)]
            assert together != last, f"{together[0]} stays due after it was worked off"
            last = together
            self._run_due(sandbox_id, together, ADVANCE_TOGETHER, clock=[MoveClock(sandbox_id, at_ms, resets)])
            advanced.count(together)
        return False

    def tick(self) -> int:
        """Run what is due in every sandbox whose clock runs by itself. Gives back how many things ran.

        Each has a slice of time, in rounds: however fast one's clock runs or how much falls due, the others are soon
        looked at again. What is left after ROUNDS_S is for the next tick. One on which nothing is due is not looked at:
        see `agenda`.
        """
        began, done, left = self._monotonic(), 0, True
        while left and not self._closing and self._monotonic() < began + ROUNDS_S:
            left, now_ms = False, self.real_ms()
            for sandbox_id in self._running(now_ms):
                if self._agenda.wants(sandbox_id, now_ms):
                    ran, more = self._tick_one(sandbox_id)
                    done += ran
                    left |= more
        for sandbox_id in list(self._undelivered):
            self._deliver_on(sandbox_id)
        self._mark_time()
        if self._used and self.real_ms() >= self._next_note_ms:
            self.note_uses()
        return done

    def _running(self, now_ms: int) -> Sequence[str]:
        """The sandboxes whose clocks run. Those of another process are heard of within a second."""
        if now_ms >= self._next_names_ms:
            self._next_names_ms = now_ms + NAMES_EVERY_MS  # Before they are read: whoever changes them says so after.
            with self.read() as connection:
                found = rows(connection, "SELECT id FROM sandboxes WHERE speed > 0 ORDER BY id", {})
            self._names = [row[0] for row in found]
        return self._names

    def _mark_time(self) -> None:
        """Once a second, leave on the database how late it is: a restart does not go back behind that."""
        if not isinstance(self.real_ms, SteadyTime):
            return
        now_ms = self.real_ms()
        if now_ms >= self._next_mark_ms:
            self._next_mark_ms = now_ms + MARK_EVERY_MS
            latest = self.writer.call(lambda connection: leave_mark(connection, now_ms), waits_for_disk=False)
            self.real_ms.catch_up(latest)

    def _tick_one(self, sandbox_id: str) -> tuple[int, bool]:
        """A slice of one sandbox's work: how many things ran, and whether some may be left."""
        lock, done, until = self._advance_lock(sandbox_id), 0, self._monotonic() + SLICE_S
        if not lock.acquire(blocking=False):
            return 0, False
        try:
            while not self._closing:
                items = self._look(sandbox_id)
                if not items:
                    return done, False
                done += self._work_off(sandbox_id, items, until)
                if self._monotonic() >= until:
                    return done, True
                # What was done may have made something else due: a settlement, its callback.
            return done, True
        finally:
            lock.release()

    def _look(self, sandbox_id: str) -> Sequence[Due]:
        """What is due in a sandbox whose clock runs. Where that is nothing, it is not looked at before something is."""
        self._agenda.look(sandbox_id)
        with self.read() as connection:
            found = lifecycle.find(connection, "id", sandbox_id)
            if found is None or not found.speed:
                return []
            real_ms = self.real_ms()
            now_ms = found.now_ms(real_ms)
            items = due(connection, sandbox_id, now_ms, DUE_AT_ONCE, only=QUICK)
            first = items or due(connection, sandbox_id, LAST_MS, 1)
            if not first or first[0].due_ms > now_ms:
                self._agenda.wait(sandbox_id, real_ms, found.real_ms_at(first[0].due_ms) if first else None)
                return []
            webhooks = due_webhooks(connection, sandbox_id, _endpoints(found), now_ms, DUE_AT_ONCE)
        for item in webhooks:
            self.delivery_workers.offer(_parcel(sandbox_id, item))
        return items

    def _work_off(self, sandbox_id: str, items: Sequence[Due], until: float) -> int:
        """Carry out due items in portions, until a moment of `_monotonic`: how many were."""
        done = 0
        while done < len(items) and not self._closing:
            began, what = self._monotonic(), items[done].what
            portion = items[done : done + self._portions.of(sandbox_id, what)]
            group = portion[: _alike(portion)]
            self._run_due(sandbox_id, group, DUE_TOGETHER)
            done += len(group)
            now = self._monotonic()
            self._portions.took(sandbox_id, what, len(group), now - began)
            if now >= until:
                break
        return done

    def _deliver_on(self, sandbox_id: str) -> None:
        """Go on with the webhooks that an advance has not waited for: its receivers hang, or there are many."""
        try:
            under_way = _Delivery(self, sandbox_id).send_out()
        except Refused:  # The sandbox is gone.
            under_way = set()
        if not under_way:
            self._undelivered.discard(sandbox_id)

    def _run_due(self, sandbox_id: str, items: Sequence[Due], size: int, *, clock: Sequence[Command] = ()) -> None:
        """Work off due items in their order, in groups small enough for clients to get a word in between."""
        for start in range(0, len(items), size):
            group = items[start : start + size]
            self.writer.run_all([*clock, *(command_for(sandbox_id, item) for item in group)])

    def _carry(self, parcel: Parcel) -> tuple[bool, Future[Answer] | None]:
        """One attempt at a webhook; whether its receiver answered in time, and the record that is being kept of it."""
        with self.read() as connection:
            key = ("webhook", parcel.webhook_id)
            webhook: Webhook | None = load_all(connection, [(parcel.sandbox_id, key)])[(parcel.sandbox_id, key)]
            sandbox = self.sandbox(connection, parcel.sandbox_id)
        if webhook is None or webhook.due_ms is None or webhook.due_ms > parcel.due_ms:
            return True, None  # Somebody else was faster.
        endpoint = endpoint_of(sandbox.endpoints, webhook.endpoint_id)
        outcome = deliver(self._session, endpoint, webhook) if endpoint else "gone"
        at_ms = parcel.due_ms if parcel.in_order else None
        record = RecordDelivery(parcel.sandbox_id, webhook.id, webhook.attempts + 1, outcome, at_ms, sandbox.resets)
        return outcome != TIMED_OUT, self.writer.submit(record)

    def _advance_lock(self, sandbox_id: str) -> threading.Lock:
        with self._lock:
            return self._advancing.setdefault(sandbox_id, threading.Lock())


class _Delivery:
    """The webhooks of one advance: handed to workers as the clock passes them, and waited for at its end."""

    def __init__(self, platform: Platform, sandbox_id: str) -> None:
        self._platform, self._sandbox_id = platform, sandbox_id
        self._sent: dict[tuple[str, int], Due] = {}

    @property
    def sent(self) -> list[Due]:
        """Every attempt that was handed over."""
        return list(self._sent.values())

    def send_out(self) -> set[str]:
        """Hand over what is due by now: the messages that are on their way."""
        return self._hand_over(self._due(DUE_AT_ONCE))

    def wait(self, seconds: float) -> bool:
        """Until what is due is delivered, or was tried as often as it is due; False where the time was up before.

        What others cause from now on is not waited for.
        """
        platform = self._platform
        until, ours = platform._monotonic() + seconds, {item.id for item in self._due(DELIVERED_MOST)}
        while under_way := self._hand_over([item for item in self._due(DELIVERED_MOST) if item.id in ours]):
            left = until - platform._monotonic()
            if left <= 0 or not platform.delivery_workers.wait({(self._sandbox_id, id) for id in under_way}, left):
                return False
        return True

    def _due(self, most: int) -> Sequence[Due]:
        with self._platform.read() as connection:
            sandbox = self._platform.sandbox(connection, self._sandbox_id)
            return due_webhooks(connection, sandbox.id, _endpoints(sandbox), sandbox.sandbox_ms, most)

    def _hand_over(self, items: Sequence[Due]) -> set[str]:
        under_way = set()
        for item in items:
            if self._platform.delivery_workers.offer(_parcel(self._sandbox_id, item, in_order=True)):
                self._sent[(item.id, item.due_ms)] = item
                under_way.add(item.id)
        return under_way


def _alike(items: Sequence[Due]) -> int:
    """How many of these, from the first on, are of its kind."""
    return next((n for n, item in enumerate(items) if item.what != items[0].what), len(items))


def _parcel(sandbox_id: str, item: Due, *, in_order: bool = False) -> Parcel:
    return Parcel(sandbox_id, item.extra, item.id, item.due_ms, in_order)


def _endpoints(sandbox: Sandbox) -> list[str]:
    return [endpoint["id"] for endpoint in json.loads(sandbox.endpoints)]


def _released(item: Due) -> dict[str, Any]:
    return {"at": rfc3339(item.due_ms), "kind": item.what, "id": item.id, "loan_id": item.loan_id}


__all__ = ["Advanced", "Platform", "database_url", "find_layer", "installed"]
