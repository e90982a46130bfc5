"""Group commit: one writer per process decides all waiting commands, flushes their effects, and commits once.

        submit ─▶ queue ─▶ load, one query per kind ─▶ decide each ─▶ flush, one statement per name ─▶ COMMIT ─▶ answer

An answer is returned only after its commit. A refused command writes only its answer, under its idempotency key. If a
flush fails, its commands are retried one by one, so that one command cannot fail the others. If the database fails (see
`storage.ground`), all are refused at once: each would only meet the same failure.
"""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from time import monotonic
from typing import Any, TypeVar

import orjson
from sqlalchemy import Connection, Engine

from mocklend.domain.problems import Refused
from mocklend.logs import get_logger, in_a_line
from mocklend.sandboxes.lifecycle import DEFAULT, absent
from mocklend.sandboxes.page_epochs import PageFence, PageKey, keeps_page, pages_of
from mocklend.seams.asking import ASKED_BY
from mocklend.seams.idempotency_checked import IdempotencyChecked
from mocklend.seams.seam import Write
from mocklend.storage.answers import KEEP_ANOTHER, KEEP_ANSWER, AnswerRow
from mocklend.storage.changes import ChangedSubjects
from mocklend.storage.engines import ground_of, writing
from mocklend.storage.entities import Loan
from mocklend.storage.ground import Unavailable
from mocklend.storage.snapshot import PlatformLayer, load_all
from mocklend.storage.statements import Row, flush, run_one
from mocklend.storage.stores import STORES
from mocklend.storage.work import (
    NO_FOLLOW_UPS,
    Answer,
    Command,
    Entity,
    FollowUps,
    IfUnchanged,
    Key,
    NotLoaded,
    Outdated,
    ReplayStored,
    Sandbox,
    StoredAnswer,
    Work,
    needs_in,
)
from mocklend.turn import TurnLock
from mocklend.workers import yield_slot

T = TypeVar("T")

GROUP_MAX = 256
QUEUE_MAX = 10_000
LOOK_S = 1.0
LOOK_WAIT_S = 5.0
TOUCH = "UPDATE sandboxes SET created_ms = created_ms WHERE id = :id"
NEVER_KEPT = {"facts", "journal", "owing", "reversible", "valid_certificates"}
"""Kinds that any command may change without a `put`: loaded again for each command that reads them."""

log = get_logger()

Outcome = Answer | Exception
SourcedCommand = tuple[Command, str | None]
"""A command, and the id of the request that it comes from."""
_Waiting = tuple[SourcedCommand, "Future[Answer]"]


class Writer:
    """The only writer of a process. `run` waits for the answer; `run_all` commits in the caller's thread."""

    def __init__(
        self,
        engine: Engine,
        layer: PlatformLayer | None,
        real_ms: Callable[[], int],
        now: Callable[[], float] = monotonic,
        *,
        follow_ups: FollowUps = NO_FOLLOW_UPS,
    ) -> None:
        self._engine = engine
        self._ground = ground_of(engine)
        self._layer = layer
        self._follow_ups = follow_ups
        self._real_ms = real_ms
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._running: set[tuple[str, str]] = set()
        self._running_lock = threading.Lock()
        self._commit_lock = TurnLock()
        self._closed = False
        self._now = now
        self._written = now() - LOOK_S
        self._looking = threading.Lock()
        self._held: dict[str, list[_Waiting]] = {}
        self._held_lock = threading.Lock()
        self.fence = PageFence(partial(writing, engine))
        self.on_group: Callable[[int], None] = lambda size: None
        self.on_written: Callable[[Iterable[str]], None] = lambda sandbox_ids: None
        self.on_pages: Callable[[Iterable[str], Iterable[tuple[str, str]]], None] = lambda sandbox_ids, loans: None
        """Called after a commit, before its answers: the sandboxes that were changed themselves, and the loans (with
        their sandbox) that have new pages."""
        self._thread = threading.Thread(target=self._loop, name="mocklend-writer", daemon=True)
        self._thread.start()

    def run(self, command: Command) -> Answer:
        """Run a command and return its answer, once it is durable. Raises Refused."""
        waiting = self.submit(command)
        with yield_slot():
            return waiting.result()

    def submit(self, command: Command) -> Future[Answer]:
        """Queue a command.

        Raises Refused `busy` if QUEUE_MAX commands wait: at once, since whoever waited for room would only make the
        wait of all others longer. Raises `request_in_progress` if a command with its idempotency key is queued.
        """
        if self._closed:
            raise Refused("busy", "the platform is stopping")
        if self._queue.qsize() >= QUEUE_MAX:
            raise Refused("busy", f"{QUEUE_MAX} commands are waiting")
        self._ground.expect(to_write=True)
        future: Future[Answer] = Future()
        if command.idem is not None:
            running = (command.sandbox_id, command.idem.key)
            with self._running_lock:
                if running in self._running:
                    raise Refused("request_in_progress", "a request with this key is in progress")
                self._running.add(running)
        self._queue.put(((command, ASKED_BY.get()), future))
        return future

    def run_all(self, commands: Sequence[Command], held: Callable[[float], None] | None = None) -> list[Answer]:
        """Decide commands in order and commit them together, apart from the queue. Raises the first refusal.

        `held` is told for how many seconds other writes had to wait for these, not how long these waited for others.
        """
        answers, asked_by = [], ASKED_BY.get()
        for outcome in self._commit([(command, asked_by) for command in commands], held):
            if isinstance(outcome, Exception):
                raise outcome
            answers.append(outcome)
        return answers

    def call(self, act: Callable[[Connection], T], *, waits_for_disk: bool = True) -> T:
        """Return the result of a function that runs in a write transaction of its own, apart from all commands."""
        with self._commit_lock, writing(self._engine, waits_for_disk=waits_for_disk) as connection:
            return act(connection)

    def look(self) -> None:
        """Check that a write works: one of the last second did, or a test write does.

        The test write changes nothing, but reaches the disk. Raises Unavailable, Refused `busy`.
        """
        with self._looking:
            if self._ground.trouble is None and self._now() < self._written + LOOK_S:
                return
            self._ground.expect(to_write=True)
            if not self._commit_lock.acquire(timeout=LOOK_WAIT_S):
                raise Refused("busy", f"the writer has been busy for more than {LOOK_WAIT_S} s")
            try:
                with writing(self._engine) as connection:
                    run_one(connection, TOUCH, id=DEFAULT)
            finally:
                self._commit_lock.release()
            self._written = self._now()

    @contextmanager
    def holding(self, sandbox_id: str) -> Iterator[None]:
        """Within the block only `run_all` writes in a sandbox. Other commands for it wait, and keep their order."""
        with self._held_lock:
            self._held.setdefault(sandbox_id, [])
        try:
            yield
        finally:
            with self._held_lock:
                waited = self._held.pop(sandbox_id, [])
            self._work_off(waited)

    def close(self) -> None:
        """Run what is queued, then stop."""
        self._closed = True
        self._queue.put(None)
        self._thread.join()
        if self._layer is not None and (counters := self._layer.drain()):
            try:
                self.call(lambda connection: flush(connection, counters))
            except Exception as failure:  # Nothing depends on them, and the database may have stopped first.
                log.warning("a layer's last counts were lost", why=in_a_line(failure))

    # --- the loop ---

    def _loop(self) -> None:
        while True:
            first = self._queue.get()
            if first is None:
                return
            group, last = [first], False
            while len(group) < GROUP_MAX:
                try:
                    more = self._queue.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    last = True
                    break
                group.append(more)
            self._work_off(self._without_held(group))
            if last:
                return

    def _without_held(self, group: list[_Waiting]) -> list[_Waiting]:
        """Return the commands whose sandbox is not held. The others wait until it is released."""
        with self._held_lock:
            if not self._held:
                return group
            free: list[_Waiting] = []
            for waiting in group:
                held = self._held.get(waiting[0][0].sandbox_id)
                (free if held is None else held).append(waiting)
            return free

    def _work_off(self, group: Sequence[_Waiting]) -> None:
        """Commit a group, and answer each command of it."""
        for start in range(0, len(group), GROUP_MAX):
            part = group[start : start + GROUP_MAX]
            outcomes = self._commit([sourced for sourced, _ in part])
            for ((command, _), future), outcome in zip(part, outcomes, strict=True):
                # Before the answer, not in a callback of its future: the waiting thread may wake before callbacks run.
                self._release_key(command)
                if isinstance(outcome, Exception):
                    future.set_exception(outcome)
                else:
                    future.set_result(outcome)

    def _release_key(self, command: Command) -> None:
        """Release a command's idempotency key: it is answered, or was never queued."""
        if command.idem is not None:
            self._running.discard((command.sandbox_id, command.idem.key))

    def _commit(self, commands: Sequence[SourcedCommand], held: Callable[[float], None] | None = None) -> list[Outcome]:
        try:
            with self._commit_lock:
                began = self._now()
                try:
                    return self._commit_group(commands)
                finally:
                    if held is not None:
                        held(self._now() - began)
        except Unavailable as gone:
            if len(commands) == 1 or not gone.trouble.again:
                return [Unavailable(gone.trouble) for _ in commands]
            return [outcome for command in commands for outcome in self._commit([command], held)]
        except Exception as failure:
            if len(commands) == 1:
                return [failure]  # The caller logs it, together with the request.
            log.warning(
                "a group failed, its commands are retried one by one", size=len(commands), why=in_a_line(failure)
            )
            return [outcome for command in commands for outcome in self._commit([command], held)]

    def _commit_group(self, sourced: Sequence[SourcedCommand]) -> list[Outcome]:
        with writing(self._engine) as connection:
            commands = [command for command, _ in sourced]
            group = _Group(connection, self._layer, self._follow_ups, self._real_ms(), commands)
            outcomes = [group.decide(command, asked_by) for command, asked_by in sourced]
            group.finish()
            pages = group.cached_pages()
            self.fence.before_commit(connection, pages)
        self.fence.after_commit(pages)
        group.commit()
        self._written = self._now()
        if group.changed_sandboxes or group.changed_pages:
            self.on_pages(group.changed_sandboxes, group.changed_pages)
        self.on_written({command.sandbox_id for command, _ in sourced})
        self.on_group(len(sourced))
        return outcomes


class _Group:
    """The states that a group of commands has loaded, and its effects that are not flushed yet."""

    def __init__(
        self,
        connection: Connection,
        layer: PlatformLayer | None,
        follow_ups: FollowUps,
        real_ms: int,
        commands: Sequence[Command],
    ) -> None:
        self._connection = connection
        self._follow_ups = follow_ups
        self._layer = layer
        self._real_ms = real_ms
        self._loaded: dict[str, dict[Key, Any]] = {}
        self._writes: list[Write] = []
        self._dirty: dict[tuple[str, Key], Entity] = {}
        self._stored: dict[tuple[str, Key], Any] = {}  # As the database has them: a flush updates what differs.
        self.changed_sandboxes: set[str] = set()
        self.changed_pages: set[tuple[str, str]] = set()
        self._shown_pages: set[tuple[str, str]] = set()  # Without those whose invalidation a fault has lost.
        self._changed = ChangedSubjects()
        self._passing: dict[tuple[str, Key], None] = {}  # The loaded keys of NEVER_KEPT kinds.
        keys: list[tuple[str, Key]] = []
        for command in commands:
            keys.append((command.sandbox_id, ("sandbox", command.sandbox_id)))
            if command.idem is not None:
                keys.append((command.sandbox_id, ("idempotency", command.idem.key)))
            keys.extend((command.sandbox_id, key) for key in command.needs())
        self._load(keys)
        # A row that was deleted and inserted again while its lock was waited for, by a reset, is seen by another query.
        self._load((id, ("sandbox", id)) for id, states in [*self._loaded.items()] if states[("sandbox", id)] is None)
        self._load(
            (command.sandbox_id, key)
            for command in commands
            if (sandbox := self._loaded[command.sandbox_id][("sandbox", command.sandbox_id)]) is not None
            for key in needs_in(command, sandbox)
        )
        self._rules = dict(self._sandboxes())
        self._faults = layer.group(connection, self._rules.items()) if layer is not None else None

    def _sandboxes(self) -> list[tuple[str, int]]:
        sandboxes = (states.get(("sandbox", id)) for id, states in self._loaded.items())
        return [(sandbox.id, sandbox.rules_version) for sandbox in sandboxes if sandbox is not None]

    def finish(self) -> None:
        """Flush the last effects, what has changed, and what the fault layer has counted."""
        self.flush()
        counters = () if self._faults is None else self._faults.finish()
        flush(self._connection, [*self._changed.writes(), *counters])

    def cached_pages(self) -> list[PageKey]:
        """The changed pages that a shared cache may have."""
        return [*pages_of(self._shown_pages, lambda id: self._loaded[id][("sandbox", id)])]

    def commit(self) -> None:
        """After the commit: the fault layer keeps its counts, and reloads the rules that were changed."""
        if self._layer is not None and self._faults is not None:
            self._faults.commit()
            for sandbox_id, version in self._sandboxes():
                if self._rules.get(sandbox_id) != version:
                    self._layer.invalidate_rules(sandbox_id)

    def _load(self, keys: Iterable[tuple[str, Key]]) -> None:
        for (sandbox_id, key), value in load_all(self._connection, keys, to_write=True).items():
            self._loaded.setdefault(sandbox_id, {})[key] = value
            if key[0] in NEVER_KEPT:
                self._passing[(sandbox_id, key)] = None
            if value is not None:
                self._stored[(sandbox_id, key)] = value

    def decide(self, command: Command, asked_by: str | None) -> Outcome:
        """Return a command's outcome; its effects join the group's unless it is refused."""
        states = self._loaded[command.sandbox_id]
        sandbox: Sandbox | None = states[("sandbox", command.sandbox_id)]
        if isinstance(command, IfUnchanged) and not command.holds(sandbox):
            return Outdated()
        if sandbox is None:
            return absent(self._connection, command.sandbox_id)
        try:
            stored = self._stored_answer(command, states)
        except Refused as refused:
            return refused
        if stored is not None and not self._may_forget(command, stored):
            return stored.answer
        work, outcome = self._decide(command, sandbox, states, stored, asked_by)
        if stored is not None and (outcome is stored.answer or isinstance(outcome, Refused)):
            outcome = stored.answer
        else:
            self._keep_answer(command, work, outcome, KEEP_ANSWER if stored is None else KEEP_ANOTHER)
            self._collect(command.sandbox_id, work)
        for sandbox_id, key in self._passing:
            self._loaded[sandbox_id].pop(key, None)
        self._passing.clear()
        return outcome

    def _decide(
        self,
        command: Command,
        sandbox: Sandbox,
        states: dict[Key, Any],
        stored: StoredAnswer | None,
        asked_by: str | None,
    ) -> tuple[Work, Outcome]:
        work: Work | None = None
        while True:
            now_ms = sandbox.now_ms(self._real_ms)
            work = Work(
                sandbox,
                now_ms,
                states,
                self._faults,
                previous_try=work,
                remembered=stored,
                asked_by=asked_by,
                follow_ups=self._follow_ups,
            )
            try:
                return work, command.decide(work)
            except NotLoaded as missing:
                if missing.key[0] in NEVER_KEPT:
                    self.flush()  # The query must see what earlier commands of this group wrote.
                self._load([(command.sandbox_id, missing.key)])
            except Refused as refused:
                return Work(sandbox, work.now_ms, states), refused
            except ReplayStored:
                assert stored is not None, "only a stored answer can be replayed"
                return Work(sandbox, work.now_ms, states), stored.answer

    def _may_forget(self, command: Command, stored: StoredAnswer) -> bool:
        """Whether a fault may make this request run again. Without a rule at that seam the stored answer is final."""
        return (
            getattr(command, "forgettable", False)
            and stored.answer.status < 400  # A refused request has no effect that could be repeated.
            and self._layer is not None
            and self._layer.has_rules_at(command.sandbox_id, IdempotencyChecked.seam) is True
        )

    @staticmethod
    def _stored_answer(command: Command, states: Mapping[Key, Any]) -> StoredAnswer | None:
        if command.idem is None:
            return None
        row: AnswerRow | None = states[("idempotency", command.idem.key)]
        if row is None:
            return None
        if row.fingerprint != command.idem.fingerprint:
            raise Refused("idempotency_key_reused", "the key was used with another path or body")
        # A refusal may repeat a number of more than 64 bits, which only the standard library reads and writes.
        read = orjson.loads if row.status < 400 else json.loads
        return StoredAnswer(Answer(row.status, read(row.body), replayed=True), row.created_ms)

    def _keep_answer(self, command: Command, work: Work, outcome: Outcome, how: str) -> None:
        if command.idem is None:
            return
        if isinstance(outcome, Answer):
            status, text = outcome.status, orjson.dumps(outcome.body).decode()
        else:
            assert isinstance(outcome, Refused)
            status, text = outcome.problem.status, json.dumps(outcome.to_json(), separators=(",", ":"))
        work.write(
            how,
            key=command.idem.key,
            fingerprint=command.idem.fingerprint,
            status=status,
            body=text,
            created_ms=work.now_ms,
        )
        row = AnswerRow(command.idem.key, command.idem.fingerprint, status, text, work.now_ms)
        self._loaded[command.sandbox_id][("idempotency", command.idem.key)] = row

    def _collect(self, sandbox_id: str, work: Work) -> None:
        states = self._loaded[sandbox_id]
        for key, entity in work.puts.items():
            states[key] = entity
            if key[0] in STORES:
                self._dirty[(sandbox_id, key)] = entity
        self._writes.extend(work.writes)

    def flush(self) -> None:
        """Write the collected effects."""
        self._changed.note(self._dirty, self._writes, self._stored)
        rows: dict[str, list[Row]] = {}
        changes: dict[str, list[tuple[str, Entity, Entity]]] = {}
        for (sandbox_id, key), entity in self._dirty.items():
            kind = key[0]
            if kind == Sandbox.kind:
                self.changed_sandboxes.add(sandbox_id)
            elif kind == Loan.kind:
                self.changed_pages.add((sandbox_id, key[1]))
            stored = self._stored.get((sandbox_id, key))
            if isinstance(entity, Loan) and not keeps_page(stored, entity):
                self._shown_pages.add((sandbox_id, key[1]))
            if stored is None:
                store = STORES[kind]
                rows.setdefault(store.insert, []).append(store.new_row(sandbox_id, entity))
            else:
                changes.setdefault(kind, []).append((sandbox_id, stored, entity))
        for kind, some in changes.items():
            update = STORES[kind].update(some)
            if update is not None:
                rows[update[0]] = update[1]
        flush(self._connection, self._writes, rows)
        self._stored.update(self._dirty)
        self._dirty.clear()
        self._writes.clear()
