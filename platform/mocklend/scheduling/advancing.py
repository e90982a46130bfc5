"""The advances that run beside the requests that started them, so that no request waits for longer than it wants.

        request ─▶ claim, under the sandbox's lock ─▶ a thread of this process moves the clock ─▶ result in the database
           └ waits for a bounded time: the result, or 202 and the advance's id

An advance that a process leaves behind is known by its row: it is `running` in a process that is not alive.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTime
from contextvars import copy_context
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mocklend.domain.problems import Refused
from mocklend.logs import get_logger
from mocklend.sandboxes import advances
from mocklend.sandboxes.advances import DONE, RUNNING, Move, NoteAdvance, StoredAdvance
from mocklend.scheduling.released import Advanced, AdvanceDoc, advance_doc
from mocklend.storage.engines import reading
from mocklend.storage.snapshot import SandboxReader, Snapshot
from mocklend.storage.work import Idempotency
from mocklend.workers import yield_slot

if TYPE_CHECKING:
    from mocklend.scheduling.driver import ClockDriver

THREADS_MAX = 64
"""How many advances a process runs at once, each in another sandbox; more wait for their turn."""
CLAIM_WAIT_S = 1.0
"""How long a request that wants its answer at once waits for what moves or empties the sandbox."""
LOOK_S = 0.1
"""How often the row of an advance is read that another process runs."""

log = get_logger()


@dataclass(frozen=True, slots=True)
class Claim:
    """An advance that counts. `resets` is the sandbox's number of resets; `replayed`: an earlier request claimed it."""

    sandbox_id: str
    n: int
    to_ms: int
    resets: int
    replayed: bool = False

    def note(self, process: str, state: str, outcome: str | None) -> NoteAdvance:
        """The command that stores what has become of it. Nobody asks for the process of one that has ended."""
        return NoteAdvance(self.sandbox_id, self.n, process if state == RUNNING else "", state, outcome)


@dataclass(frozen=True, slots=True)
class _Run:
    """An advance that this process runs, with the idempotency key of the request that started it."""

    claim: Claim
    idem: Idempotency | None
    future: Future[Advanced]


class AdvanceRuns:
    """The advances of one process. Thread-safe."""

    def __init__(self, driver: ClockDriver, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._driver = driver
        self._monotonic = monotonic
        self._own_name = secrets.token_hex(8)
        self._pool = ThreadPoolExecutor(THREADS_MAX, thread_name_prefix="mocklend-advance")
        self._lock = threading.Lock()
        self._runs: dict[str, _Run] = {}  # by sandbox: each has one at a time
        self._stopping = threading.Event()

    @property
    def process(self) -> str:
        """The name of this process in the rows of its advances."""
        processes = self._driver.processes
        return self._own_name if processes is None else processes.id

    def close(self) -> None:
        """Wait until all advances have ended. The driver is stopped, so they end soon."""
        self._stopping.set()
        self._pool.shutdown()

    def advance(
        self,
        sandbox_id: str,
        move: Move,
        idem: Idempotency | None,
        within_s: float,
        *,
        shows_truth: bool = True,
    ) -> Advanced | int:
        """Start an advance, and wait for it. Returns its result, or its number if it still runs after `within_s`.

        With 0 it does not wait, and returns the number of any advance. Raises Refused as `ClockDriver.claim` does,
        and `clock_advancing` if another advance did not end in time.
        """
        until_s, same = self._monotonic() + within_s, self._same(sandbox_id, idem)
        run = same or self._start(sandbox_id, move, idem, within_s, shows_truth=shows_truth)
        if within_s <= 0:
            return run.claim.n if isinstance(run, _Run) else run.n
        with yield_slot():
            outcome = self._wait(run, until_s) if isinstance(run, _Run) else self._watch(sandbox_id, run, until_s)
        return replace(outcome, replayed=True) if same and isinstance(outcome, Advanced) else outcome

    def stored(self, claim: Claim) -> StoredAdvance | None:
        """The row of an advance, or None if it is not kept any more."""
        with reading(self._driver._engine) as connection:
            return advances.find(SandboxReader(connection, claim.sandbox_id), claim.n)

    def doc(self, snapshot: Snapshot, stored: StoredAdvance) -> AdvanceDoc:
        """An advance as JSON."""
        return advance_doc(stored, snapshot.now_ms, is_run=self._is_run(snapshot.sandbox_id, stored))

    def _is_run(self, sandbox_id: str, stored: StoredAdvance) -> bool:
        """Whether a process runs an advance, as far as this one knows."""
        if stored.process != self.process:
            return self._driver.processes is not None and self._driver.processes.is_alive(stored.process)
        run = self._runs.get(sandbox_id)
        if run is None:  # It may be in no thread yet, or in that of a caller who waits however long it takes.
            return self._driver.advance_lock(sandbox_id).locked()
        return run.claim.n == stored.n

    def _same(self, sandbox_id: str, idem: Idempotency | None) -> _Run | None:
        """The run of the same request, if this repeats it."""
        run = self._runs.get(sandbox_id)
        return run if run is not None and idem is not None and run.idem == idem else None

    def _start(
        self, sandbox_id: str, move: Move, idem: Idempotency | None, within_s: float, *, shows_truth: bool
    ) -> _Run | StoredAdvance:
        """Claim an advance and run it. Returns the row of one that is done, or that another process runs."""
        lock = self._driver.advance_lock(sandbox_id)
        with yield_slot():
            is_ours = lock.acquire(timeout=max(within_s, CLAIM_WAIT_S))
        if not is_ours:
            raise Refused("clock_advancing", "the clock still moves, and this request has moved nothing")
        try:
            claim = self._driver.claim(sandbox_id, move, idem, shows_truth=shows_truth)
            stored = self.stored(claim) if claim.replayed else None
            if stored is not None:
                if stored.state == DONE or (stored.state == RUNNING and self._is_run(sandbox_id, stored)):
                    lock.release()
                    return stored
                self._driver.note(claim, RUNNING, None)
            run = _Run(claim, idem, Future())
            with self._lock:
                self._runs[sandbox_id] = run
            try:
                self._pool.submit(copy_context().run, self._run, run, lock)
            except RuntimeError:  # The pool was closed just now.
                self._forget(run)
                raise Refused("server_stopping", "the same request continues the advance") from None
            return run
        except BaseException:
            lock.release()
            raise

    def _run(self, run: _Run, lock: threading.Lock) -> None:
        """Run an advance. The thread of its request may wait for it, or be gone."""
        try:
            try:
                advanced = self._driver.complete(run.claim)
            finally:
                self._forget(run)
                lock.release()
        except BaseException as failure:
            if not isinstance(failure, Refused):
                log.error("an advance failed", sandbox=run.claim.sandbox_id, exc_info=failure)
            run.future.set_exception(failure)
        else:
            run.future.set_result(advanced)

    def _forget(self, run: _Run) -> None:
        with self._lock:
            if self._runs.get(run.claim.sandbox_id) is run:
                del self._runs[run.claim.sandbox_id]

    def _wait(self, run: _Run, until_s: float) -> Advanced | int:
        try:
            return run.future.result(max(0.0, until_s - self._monotonic()))
        except NotInTime:
            if run.future.done():
                raise
            return run.claim.n

    def _watch(self, sandbox_id: str, stored: StoredAdvance | None, until_s: float) -> Advanced | int:
        """Wait for an advance that another process runs."""
        n = stored.n if stored is not None else 0
        while stored is not None:
            if stored.state == DONE:
                return Advanced.stored(stored)
            if self._monotonic() >= until_s or stored.state != RUNNING or self._stopping.wait(LOOK_S):
                return n
            with reading(self._driver._engine) as connection:
                stored = advances.find(SandboxReader(connection, sandbox_id), n)
        raise Refused("clock_reset", "the sandbox was reset while its clock moved", sandbox_id=sandbox_id)
