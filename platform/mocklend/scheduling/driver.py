"""Who makes the clocks run: an advance moves a manual one, a tick goes on with those that run by themselves.

Either works off what falls due on the way, in order, in commits small enough for clients to get a word in between.
Webhooks go out beside it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import requests
from sqlalchemy import Engine

from mocklend.domain.problems import Refused
from mocklend.receivers import ReceiverPolicy
from mocklend.sandboxes import lifecycle
from mocklend.sandboxes.lifecycle import DEFAULT, Bounds, ClaimAdvance, MoveClock, SetPace
from mocklend.sandboxes.timestamps import LAST_MS, rfc3339
from mocklend.scheduling.agenda import Agenda, Portions
from mocklend.scheduling.due import QUICK, Due, command_for, due, due_webhooks
from mocklend.storage.engines import reading
from mocklend.storage.entities import Webhook
from mocklend.storage.snapshot import SandboxReader, Snapshot, server_rows
from mocklend.storage.work import Answer, Command, Idempotency, Sandbox
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
TOLD_AT_MAX = 1_000
"""An advance tells the first so many things that it released and counts the rest: a year of many loans has millions."""

NAMES_EVERY_MS = 1_000
DELIVERED_MAX = 5_000
"""An advance waits for so many webhooks; the rest goes out after it has answered."""
BURST_S = 1.0
"""So long at a time an advance works with nobody else writing in its sandbox; then those who wait have their turn."""
WEBHOOKS_WITHIN_S = 5.0
"""An advance answers at the latest so long after its clock has arrived, whatever receivers do."""


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
        self.released += [_released(item) for item in items[: TOLD_AT_MAX - len(self.released)]]
        for item in items:
            self.by_kind[item.what] = self.by_kind.get(item.what, 0) + 1

    def count_webhooks(self, items: Sequence[Due]) -> None:
        """These were sent meanwhile. They take their places by the moments at which they were due."""
        if items:
            sent = [_released(item) for item in sorted(items, key=lambda item: (item.due_ms, item.id))]
            self.released = sorted([*self.released, *sent], key=lambda one: one["at"])[:TOLD_AT_MAX]
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


class ClockDriver:
    """Moves the clocks of all sandboxes of a database. Thread-safe; one that `delivers` waits for webhooks, too."""

    def __init__(
        self,
        engine: Engine,
        writer: Writer,
        *,
        receivers: ReceiverPolicy,
        bounds: Bounds,
        delivers: bool,
        real_ms: Callable[[], int],
        monotonic: Callable[[], float],
    ) -> None:
        self._engine = engine
        self._writer = writer
        self._bounds = bounds
        self._delivers = delivers
        self._monotonic = monotonic
        self.real_ms = real_ms
        self._next_names_ms = 0
        self._names: list[str] = []
        self._pacing = threading.Lock()
        self._agenda = Agenda()
        self._portions = Portions(DUE_TOGETHER, SLICE_S)
        writer.on_written = self._agenda.touch
        self._session: requests.Session = open_session(receivers)
        self._advancing: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()
        self.delivery_workers = DeliveryWorkers(self._carry)
        self._undelivered: set[str] = set()
        self._closing = False

    def stop(self) -> None:
        """Have a tick or an advance that is under way end soon: what is due stays due."""
        self._closing = True

    def close_delivery(self) -> None:
        """Finish the webhooks that are on their way. To be called before the writer is closed."""
        self.delivery_workers.close()

    def close(self) -> None:
        """Let go of the connections to receivers."""
        self._session.close()

    def look_for_clocks(self) -> None:
        """Some clock runs now that did not, or the other way round: see which, at the next tick."""
        self._next_names_ms = 0

    def emptied(self, sandbox_id: str) -> None:
        """A sandbox is empty, or gone: nothing of it is due any more."""
        self._agenda.touch([sandbox_id])
        self._portions.forget(sandbox_id)
        self.delivery_workers.forget(sandbox_id)

    def gone(self, sandbox_id: str) -> None:
        """A sandbox was deleted."""
        with self._lock:
            self._advancing.pop(sandbox_id, None)

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
        with self.advance_lock(sandbox_id):
            if self._closing:
                raise Refused("server_stopping", "the clock was not moved")
            (claimed,) = self._writer.run_all([ClaimAdvance(sandbox_id, to_ms, by_ms, idem)])
            advanced = Advanced(claimed.body["to_ms"], replayed=claimed.replayed)
            self._go(sandbox_id, advanced, claimed.body["resets"])
        return advanced

    def set_pace(self, sandbox_id: str, speed: int) -> Answer:
        """Hold a clock (speed 0), or let it run on from where it is. An advance or a tick that runs ends first."""
        with self.advance_lock(sandbox_id), self._pacing:
            if speed and sandbox_id != DEFAULT:
                with reading(self._engine) as connection:
                    if not lifecycle.required(connection, sandbox_id).speed:
                        self._bounds.refuse_one_more_clock(connection)
            paced = self._writer.run(SetPace(sandbox_id, speed, self.real_ms()))
            self.look_for_clocks()
            return paced

    def _go(self, sandbox_id: str, advanced: Advanced, resets: int) -> None:
        delivery = _Delivery(self, sandbox_id) if self._delivers else None
        while True:
            if self._closing:
                raise Refused("server_stopping", "the clock is on its way: asked for again, the advance goes on")
            until = self._monotonic() + BURST_S
            with self._writer.holding(sandbox_id):
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
            with reading(self._engine) as connection:
                items = due(SandboxReader(connection, sandbox_id), advanced.now_ms, DUE_AT_ONCE, only=QUICK)
                clock_ms = lifecycle.required(connection, sandbox_id).sandbox_ms
            if not items:
                if clock_ms < advanced.now_ms:
                    self._writer.run_all([MoveClock(sandbox_id, advanced.now_ms, resets)])
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
        """Run what is due in every sandbox whose clock runs by itself. Returns how many things ran.

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
        return done

    def _running(self, now_ms: int) -> Sequence[str]:
        """The sandboxes whose clocks run. Those of another process are heard of within a second."""
        if now_ms >= self._next_names_ms:
            self._next_names_ms = now_ms + NAMES_EVERY_MS  # Before they are read: whoever changes them says so after.
            with reading(self._engine) as connection:
                self._names = server_rows(connection, str, "SELECT id FROM sandboxes WHERE speed > 0 ORDER BY id")
        return self._names

    def _tick_one(self, sandbox_id: str) -> tuple[int, bool]:
        """A slice of one sandbox's work: how many things ran, and whether some may be left."""
        lock, done, until = self.advance_lock(sandbox_id), 0, self._monotonic() + SLICE_S
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
        with reading(self._engine) as connection:
            found = lifecycle.find(connection, "id", sandbox_id)
            if found is None or not found.speed:
                return []
            real_ms = self.real_ms()
            now_ms = found.now_ms(real_ms)
            snapshot = Snapshot(connection, found, now_ms)
            items = due(snapshot, now_ms, DUE_AT_ONCE, only=QUICK)
            first = items or due(snapshot, LAST_MS, 1)
            if not first or first[0].due_ms > now_ms:
                self._agenda.wait(sandbox_id, real_ms, found.real_ms_at(first[0].due_ms) if first else None)
                return []
            webhooks = due_webhooks(snapshot, _endpoints(found), now_ms, DUE_AT_ONCE)
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
            self._writer.run_all([*clock, *(command_for(sandbox_id, item) for item in group)])

    def _carry(self, parcel: Parcel) -> tuple[bool, Future[Answer] | None]:
        """One attempt at a webhook; whether its receiver answered in time, and the record that is being kept of it."""
        with reading(self._engine) as connection:
            webhook = SandboxReader(connection, parcel.sandbox_id).find(Webhook, parcel.webhook_id)
            sandbox = lifecycle.required(connection, parcel.sandbox_id)
        if webhook is None or webhook.due_ms is None or webhook.due_ms > parcel.due_ms:
            return True, None  # Somebody else was faster.
        endpoint = endpoint_of(sandbox, webhook.endpoint_id)
        outcome = deliver(self._session, endpoint, webhook) if endpoint else "gone"
        at_ms = parcel.due_ms if parcel.in_order else None
        record = RecordDelivery(parcel.sandbox_id, webhook.id, webhook.attempts + 1, outcome, at_ms, sandbox.resets)
        return outcome != TIMED_OUT, self._writer.submit(record)

    def advance_lock(self, sandbox_id: str) -> threading.Lock:
        """Held while a sandbox's clock moves, or the sandbox is emptied."""
        with self._lock:
            return self._advancing.setdefault(sandbox_id, threading.Lock())


class _Delivery:
    """The webhooks of one advance: handed to workers as the clock passes them, and waited for at its end."""

    def __init__(self, driver: ClockDriver, sandbox_id: str) -> None:
        self._driver, self._sandbox_id = driver, sandbox_id
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
        driver = self._driver
        until, ours = driver._monotonic() + seconds, {item.id for item in self._due(DELIVERED_MAX)}
        while under_way := self._hand_over([item for item in self._due(DELIVERED_MAX) if item.id in ours]):
            left = until - driver._monotonic()
            if left <= 0 or not driver.delivery_workers.wait({(self._sandbox_id, id) for id in under_way}, left):
                return False
        return True

    def _due(self, most: int) -> Sequence[Due]:
        with reading(self._driver._engine) as connection:
            sandbox = lifecycle.required(connection, self._sandbox_id)
            return due_webhooks(SandboxReader(connection, sandbox.id), _endpoints(sandbox), sandbox.sandbox_ms, most)

    def _hand_over(self, items: Sequence[Due]) -> set[str]:
        under_way = set()
        for item in items:
            if self._driver.delivery_workers.offer(_parcel(self._sandbox_id, item, in_order=True)):
                self._sent[(item.id, item.due_ms)] = item
                under_way.add(item.id)
        return under_way


def _alike(items: Sequence[Due]) -> int:
    """How many of these, from the first on, are of its kind."""
    return next((n for n, item in enumerate(items) if item.what != items[0].what), len(items))


def _parcel(sandbox_id: str, item: Due, *, in_order: bool = False) -> Parcel:
    return Parcel(sandbox_id, item.extra, item.id, item.due_ms, in_order)


def _endpoints(sandbox: Sandbox) -> list[str]:
    return [endpoint["id"] for endpoint in sandbox.endpoints]


def _released(item: Due) -> dict[str, Any]:
    return {"at": rfc3339(item.due_ms), "kind": item.what, "id": item.id, "loan_id": item.loan_id}
