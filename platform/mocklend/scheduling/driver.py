"""Runs the clocks: an advance moves a manual clock, a tick continues those that run by themselves.

Both run what falls due on the way, in order, in commits that are small enough for other writes to come in between.
Webhooks are sent concurrently.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from mocklend.domain.problems import Refused
from mocklend.receivers import ReceiverPolicy
from mocklend.sandboxes import lifecycle
from mocklend.sandboxes.advances import DONE, FAILED, ClaimAdvance, Move, MoveClock
from mocklend.sandboxes.lifecycle import DEFAULT, Limit, SetPace
from mocklend.sandboxes.timestamps import LAST_MS
from mocklend.scheduling.advancing import AdvanceRuns, Claim
from mocklend.scheduling.agenda import Agenda, Behind, Portions
from mocklend.scheduling.delivery import Delivery, endpoint_ids, parcel_of
from mocklend.scheduling.due import QUICK, Due, command_for, due, due_webhooks, next_due, with_callbacks
from mocklend.scheduling.processes import Processes
from mocklend.scheduling.released import Advanced
from mocklend.seams.layer import LayerBroke
from mocklend.storage.engines import reading
from mocklend.storage.entities import Webhook
from mocklend.storage.snapshot import SandboxReader, Snapshot, server_rows
from mocklend.storage.values import EndpointDoc
from mocklend.storage.work import Answer, Command, Idempotency, Sandbox
from mocklend.webhooks.attempts import GONE, TIMED_OUT, Delivered, RecordDelivery, endpoint_of
from mocklend.webhooks.workers import DeliveryWorkers, Parcel
from mocklend.writer import Writer

if TYPE_CHECKING:
    import requests

DUE_AT_ONCE = 500
DUE_TOGETHER = 128
"""Due things in one commit where a clock runs by itself. An order is followed by two, its settlement and its callback:
with 64 clients, whose groups alternate with those of due things, these need twice as many."""
READ_TOGETHER = 2 * DUE_TOGETHER
"""How many due things a tick reads at a time: about as many as a slice runs."""
SLICE_S = 0.05
"""How long the due work of a sandbox runs before the next sandbox's."""
ROUNDS_S = 1.0
"""How long a tick lasts at most; the rest is left for the next one."""
ADVANCE_TOGETHER = 64
"""Due things in one commit of an advance: as many as others can wait for. A number and not a time, since what one
commit has changed is stored, and a story is stored the same each time."""
NAMES_EVERY_MS = 1_000
BURST_S = 1.0
"""How long an advance keeps other writes out of its sandbox at a time; then those that wait are run."""
WEBHOOKS_WITHIN_S = 5.0
"""How long an advance waits for the receivers of webhooks after its clock has arrived."""


class ClockDriver:
    """Moves the clocks of all sandboxes of a database. Thread-safe. With `delivers`, an advance waits for webhooks."""

    def __init__(
        self,
        engine: Engine,
        writer: Writer,
        *,
        receivers: ReceiverPolicy,
        clocks_limit: Limit,
        delivers: bool,
        real_ms: Callable[[], int],
        monotonic: Callable[[], float],
    ) -> None:
        self._engine = engine
        self._writer = writer
        self._clocks_limit = clocks_limit
        self._delivers = delivers
        self._monotonic = monotonic
        self.real_ms = real_ms
        self._next_names_ms = 0
        self._names: list[str] = []
        self._clocks: set[str] = set()  # those of all processes
        self._pacing = threading.Lock()
        self._agenda = Agenda()
        self.behind = Behind(real_ms)
        self._portions = Portions(DUE_TOGETHER, SLICE_S)
        writer.on_written = self._written
        self.processes: Processes | None = None
        """The processes that share the database, once this one has joined them."""
        self._to_wake: set[str] = set()
        self._receivers = receivers
        self._session: requests.Session | None = None
        self._advancing: dict[str, threading.Lock] = {}
        self._advanced: dict[str, Advanced] = {}  # of the advances that this process runs, as far as they have come
        self._lock = threading.Lock()
        self.delivery_workers = DeliveryWorkers(self._dispatch)
        self._undelivered: set[str] = set()
        self._closing = False
        self.has_more = False
        """Whether the last tick has left something that is due, so that the next one need not wait."""
        self.runs = AdvanceRuns(self)
        """The advances that run beside the requests that started them."""

    @property
    def is_closing(self) -> bool:
        """Whether what takes long has to end soon."""
        return self._closing

    def stop(self) -> None:
        """Let a running tick or advance end soon: what is due stays due, or is run by other processes."""
        self._closing = True
        if self.processes is not None:
            self.processes.stop_running()

    def close_delivery(self) -> None:
        """Finish the advances and the webhooks that are under way. To be called before the writer is closed."""
        self.runs.close()
        self.delivery_workers.close()

    def close(self) -> None:
        """Close the connections to receivers."""
        if self._session is not None:
            self._session.close()

    def join(self, processes: Processes) -> None:
        """Share the clocks with other processes from now on."""
        self.processes = processes
        processes.on_change = self._processes_changed

    def _processes_changed(self) -> None:
        self._agenda.touch_all()
        self.look_for_clocks()

    def _written(self, sandbox_ids: Iterable[str]) -> None:
        """Note that something was written, so that whoever runs the sandboxes checks them."""
        sandbox_ids = list(sandbox_ids)
        self._agenda.touch(sandbox_ids)
        if self.processes is not None and not self.processes.alone:
            with self._lock:
                self._to_wake.update(sandbox_ids)

    def _wake_others(self) -> None:
        """Pass on what was written in sandboxes that other processes run, and take over what they pass on."""
        processes = self.processes
        if processes is None or processes.alone:
            return
        with self._lock:
            waiting, self._to_wake = self._to_wake, set()
        others = {id for id in waiting & self._clocks if not processes.runs(id)}
        try:
            if others:
                processes.wake(others)
            self._agenda.touch(processes.woken())
        except BaseException:
            with self._lock:
                self._to_wake |= waiting
            raise

    def look_for_clocks(self) -> None:
        """Reload at the next tick which clocks run."""
        self._next_names_ms = 0

    def emptied(self, sandbox_id: str) -> None:
        """Forget what is due in a sandbox that is empty, or gone."""
        self._agenda.touch([sandbox_id])
        self.behind.note(sandbox_id, None)
        self._portions.forget(sandbox_id)
        self.delivery_workers.forget(sandbox_id)

    def gone(self, sandbox_id: str) -> None:
        """Forget a deleted sandbox."""
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
        """Move a manual clock, to a moment or by a time (ms), and run all that falls due on the way, in bounded memory.

        Other writes in the sandbox wait, for a second at most at a time, so that an advance ends however many keep
        coming. Webhooks are sent concurrently; the answer waits for their receivers for WEBHOOKS_WITHIN_S at most.
        Raises Refused `sandbox_unknown`, `clock_not_manual`, `clock_backwards`, `clock_reset`, `server_stopping`.
        """
        with self.advance_lock(sandbox_id):
            claim = self.claim(sandbox_id, Move(to_ms, by_ms), idem)
            stored = self.runs.stored(claim) if claim.replayed else None
            if stored is not None and stored.state == DONE:
                return Advanced.stored(stored)
            return self.complete(claim)

    def claim(self, sandbox_id: str, move: Move, idem: Idempotency | None, *, shows_truth: bool = True) -> Claim:
        """Claim the target of an advance: from then on it counts. To be called with the `advance_lock` held.

        Raises Refused as `advance` does, and `nothing_due` if it is to go to the next thing that is due. For a caller
        who may not see the truth, that is the next one which no fault makes due.
        """
        if self._closing:
            raise Refused("server_stopping", "the clock was not moved")
        to_ms = self._next_ms(sandbox_id, shows_truth=shows_truth) if move.to_next else move.to_ms
        command = ClaimAdvance(sandbox_id, to_ms, move.by_ms, idem, self.runs.process, move.by_months, move.to_next)
        (claimed,) = self._writer.run_all([command])
        body = claimed.body
        return Claim(sandbox_id, body["n"], body["to_ms"], body["resets"], claimed.replayed)

    def _next_ms(self, sandbox_id: str, *, shows_truth: bool) -> int | None:
        """When the next thing is due on a manual clock (ms), not before the target of an advance; None: nothing is."""
        with reading(self._engine) as connection:
            sandbox = lifecycle.required(connection, sandbox_id)
            snapshot = Snapshot(connection, sandbox, sandbox.sandbox_ms)
            coming = next_due(snapshot, shows_truth=shows_truth)
        return None if coming is None else max(coming.due_ms, lifecycle.target_or_now(sandbox))

    def released_so_far(self, sandbox_id: str) -> int | None:
        """How many things the advance has released that this process runs in a sandbox; None if it runs none."""
        advanced = self._advanced.get(sandbox_id)
        return None if advanced is None else advanced.total

    def complete(self, claim: Claim) -> Advanced:
        """Move the clock to a claimed target, and store the result. To be called with the `advance_lock` held."""
        advanced = self._advanced[claim.sandbox_id] = Advanced(claim.to_ms, replayed=claim.replayed)
        try:
            self._go(claim, advanced)
        except Exception as failure:
            # An advance that a stopping server or a database leaves behind is interrupted, by what is stored.
            if not isinstance(failure, Refused) or failure.problem.status != 503:
                with suppress(Exception):
                    self.note(claim, FAILED, problem_of(failure))
            raise
        finally:
            del self._advanced[claim.sandbox_id]
        return advanced

    def note(self, claim: Claim, state: str, outcome: str | None) -> None:
        """Store what has become of an advance."""
        self._writer.run_all([claim.note(self.runs.process, state, outcome)])

    def set_pace(self, sandbox_id: str, speed: int) -> Answer:
        """Stop a clock (speed 0), or let it run on from where it is. A running advance or tick ends first.

        Raises Refused `too_many_clocks`, `sandbox_unknown`.
        """
        with self.advance_lock(sandbox_id), self._pacing:
            if speed and sandbox_id != DEFAULT:
                with reading(self._engine) as connection:
                    if not lifecycle.required(connection, sandbox_id).speed:
                        self._clocks_limit.refuse_one_more(connection)
            paced = self._writer.run(SetPace(sandbox_id, speed, self.real_ms()))
            self.look_for_clocks()
            return paced

    def _go(self, claim: Claim, advanced: Advanced) -> None:
        sandbox_id, awaited = claim.sandbox_id, False
        delivery = Delivery(self, sandbox_id) if self._delivers else None
        while True:
            if self._closing:
                raise Refused(
                    "server_stopping", "the clock has not arrived yet: the same request continues the advance"
                )
            until = self._monotonic() + BURST_S
            with self._writer.holding(sandbox_id):
                arrived = self._burst(claim, advanced, until)
                if arrived is not None:
                    awaited = delivery is not None and len(arrived.endpoints) > 0
                    self._arrive(claim, advanced, arrived, is_done=not awaited)
            if delivery is not None:
                delivery.send_out()
            if arrived is not None:
                break
        if delivery is not None:
            if not delivery.wait(WEBHOOKS_WITHIN_S):
                self._undelivered.add(sandbox_id)
            advanced.count_webhooks(delivery.sent)
            if awaited or delivery.sent:
                self.note(claim, DONE, advanced.store())

    def _burst(self, claim: Claim, advanced: Advanced, until: float) -> Sandbox | None:
        """Run due things until a time. Returns the sandbox once nothing is due before the target."""
        sandbox_id, last = claim.sandbox_id, list[Due]()
        while self._monotonic() < until and not self._closing:
            with reading(self._engine) as connection:
                items = due(SandboxReader(connection, sandbox_id), advanced.now_ms, DUE_AT_ONCE, only=QUICK)
                sandbox = lifecycle.required(connection, sandbox_id)
            if not items:
                return sandbox
            at_ms = max(items[0].due_ms, sandbox.sandbox_ms)
            # One kind at a time: a settlement queues a callback, and that comes before the calendar.
            together = [item for item in items if (item.due_ms, item.what) == (items[0].due_ms, items[0].what)]
            assert together != last, f"{together[0]} stays due after it was run"
            last = together
            self._run_due(sandbox_id, together, ADVANCE_TOGETHER, clock=[MoveClock(sandbox_id, at_ms, claim.resets)])
            advanced.count(together)
        return None

    def _arrive(self, claim: Claim, advanced: Advanced, sandbox: Sandbox, *, is_done: bool) -> None:
        """Move the clock to the target; store the result in the same commit if the advance `is_done`."""
        commands: list[Command] = []
        if sandbox.sandbox_ms < advanced.now_ms:
            commands.append(MoveClock(sandbox.id, advanced.now_ms, claim.resets))
        if is_done:
            commands.append(claim.note(self.runs.process, DONE, advanced.store()))
        if commands:
            self._writer.run_all(commands)

    def tick(self) -> int:
        """Run what is due in every sandbox whose clock runs by itself. Returns how many things ran.

        Each sandbox has a slice of time per round, so that a fast clock or much work in one does not delay the others.
        What is left after ROUNDS_S is for the next tick. A sandbox in which nothing is due is not checked: see
        `agenda`.
        """
        began, done, may_be_more = self._monotonic(), 0, True
        self._running(self.real_ms())  # A clock that was just started is among those to wake.
        self._wake_others()
        while may_be_more and not self._closing and self._monotonic() < began + ROUNDS_S:
            may_be_more, now_ms = False, self.real_ms()
            for sandbox_id in self._running(now_ms):
                if self._agenda.wants(sandbox_id, now_ms):
                    ran, more = self._tick_one(sandbox_id)
                    done += ran
                    may_be_more |= more
        self.has_more = may_be_more and not self._closing
        self.behind.log()
        for sandbox_id in list(self._undelivered):
            self._deliver_on(sandbox_id)
        return done

    def _running(self, now_ms: int) -> Sequence[str]:
        """Return the sandboxes whose clocks this process runs. Changes by another one are seen within a second."""
        if now_ms >= self._next_names_ms:
            self._next_names_ms = now_ms + NAMES_EVERY_MS  # Before they are read: a change resets it afterwards.
            with reading(self._engine) as connection:
                names = server_rows(connection, str, "SELECT id FROM sandboxes WHERE speed > 0 ORDER BY id")
            runs = self.processes.runs if self.processes is not None else lambda sandbox_id: True
            self._names, self._clocks = [id for id in names if runs(id)], set(names)
        return self._names

    def _tick_one(self, sandbox_id: str) -> tuple[int, bool]:
        """Run one slice of a sandbox's work: how many things ran, and whether some may be left."""
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
                # This may have made something else due: a settlement makes its callback due.
            return done, True
        finally:
            lock.release()

    def _look(self, sandbox_id: str) -> Sequence[Due]:
        """Return what is due in a sandbox whose clock runs. If nothing is, set when it is checked next."""
        self._agenda.look(sandbox_id)
        with reading(self._engine) as connection:
            sandbox = lifecycle.find(connection, "id", sandbox_id)
            if sandbox is None or not sandbox.speed:
                self.behind.note(sandbox_id, None)
                return []
            real_ms = self.real_ms()
            now_ms = sandbox.now_ms(real_ms)
            snapshot = Snapshot(connection, sandbox, now_ms)
            items = due(snapshot, now_ms, READ_TOGETHER, only=QUICK)
            self.behind.note(sandbox_id, sandbox.real_ms_at(items[0].due_ms) if items else None)
            first = items or due(snapshot, LAST_MS, 1)
            if not first or first[0].due_ms > now_ms:
                self._agenda.wait(sandbox_id, real_ms, sandbox.real_ms_at(first[0].due_ms) if first else None)
                return []
            webhooks = due_webhooks(snapshot, endpoint_ids(sandbox), now_ms, DUE_AT_ONCE)
        for item in webhooks:
            self.delivery_workers.offer(parcel_of(sandbox_id, item))
        return items

    def _work_off(self, sandbox_id: str, items: Sequence[Due], until: float) -> int:
        """Run due items in portions, until a time of `_monotonic`. Returns how many ran, with what follows them."""
        begun = ran = 0
        while begun < len(items) and not self._closing:
            what = items[begun].what
            portion = items[begun : begun + self._portions.of(sandbox_id, what)]
            group = portion[: _alike(portion)]
            together = with_callbacks(group)
            held_s = self._run_due(sandbox_id, together, 2 * DUE_TOGETHER)
            begun, ran = begun + len(group), ran + len(together)
            self._portions.took(sandbox_id, what, len(group), held_s)
            if self._monotonic() >= until:
                break
        return ran

    def _deliver_on(self, sandbox_id: str) -> None:
        """Continue with the webhooks that an advance did not wait for: receivers are slow, or there are many."""
        try:
            under_way = Delivery(self, sandbox_id).send_out()
        except Refused:  # The sandbox is gone.
            under_way = set()
        if not under_way:
            self._undelivered.discard(sandbox_id)

    def _run_due(self, sandbox_id: str, items: Sequence[Due], size: int, *, clock: Sequence[Command] = ()) -> float:
        """Run due items in their order, in commits that are small enough for other writes to come in between.

        Returns for how many seconds these had to wait.
        """
        held: list[float] = []
        for start in range(0, len(items), size):
            group = items[start : start + size]
            self._writer.run_all([*clock, *(command_for(sandbox_id, item) for item in group)], held.append)
        return sum(held)

    def _dispatch(self, parcel: Parcel) -> tuple[bool, Future[Answer] | None]:
        """Make one attempt at a webhook.

        Returns whether its receiver answered in time, and the future of the command that records the attempt.
        """
        with reading(self._engine) as connection:
            webhook = SandboxReader(connection, parcel.sandbox_id).find(Webhook, parcel.webhook_id)
            sandbox = lifecycle.required(connection, parcel.sandbox_id)
        if webhook is None or webhook.due_ms is None or webhook.due_ms > parcel.due_ms:
            return True, None  # Another thread was faster.
        endpoint = endpoint_of(sandbox, webhook.endpoint_id)
        outcome, status = self._deliver(endpoint, webhook) if endpoint else Delivered(GONE)
        at_ms = parcel.due_ms if parcel.in_order else None
        record = RecordDelivery(
            parcel.sandbox_id, webhook.id, webhook.attempts + 1, outcome, at_ms, sandbox.resets, status
        )
        return outcome != TIMED_OUT, self._writer.submit(record)

    def _deliver(self, endpoint: EndpointDoc, webhook: Webhook) -> Delivered:
        # Imported here: most servers send no webhook, and need no HTTP client.
        from mocklend.webhooks.delivery import deliver, open_session

        with self._lock:
            if self._session is None:
                self._session = open_session(self._receivers)
        return deliver(self._session, endpoint, webhook)

    def advance_lock(self, sandbox_id: str) -> threading.Lock:
        """Return the lock that is held while a sandbox's clock moves, or the sandbox is emptied."""
        with self._lock:
            return self._advancing.setdefault(sandbox_id, threading.Lock())


def _alike(items: Sequence[Due]) -> int:
    """Return how many of these, from the first on, have the first one's kind."""
    return next((n for n, item in enumerate(items) if item.what != items[0].what), len(items))


def problem_of(failure: Exception) -> str:
    """The problem of an advance that failed, as JSON."""
    if not isinstance(failure, Refused):
        broke = isinstance(failure, LayerBroke)
        failure = (
            Refused("fault_broke", str(failure)) if broke else Refused("internal_error", "the server's log has it")
        )
    return json.dumps(failure.to_json())
