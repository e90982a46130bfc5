"""What reads a whole sandbox runs beside the request that began it: audits, and runs of the checks of monitoring.

request ─▶ BeginJob ─▶ a thread of this process looks at one snapshot ─▶ EndJob: what came of it is stored
   └ 202 and the address at which to watch how many loans it has looked at
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, TypedDict

from sqlalchemy import Engine

from mocklend.domain.nouns import JsonObject, one_of, says
from mocklend.domain.problems import Refused
from mocklend.logs import get_logger
from mocklend.sandboxes import jobs, lifecycle
from mocklend.sandboxes.jobs import DONE, FAILED, RUNNING, BeginJob, EndJob, JobKind, Progress, StoredJob
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.scheduling.driver import problem_of
from mocklend.scheduling.processes import Processes
from mocklend.storage.changes import number_of_loans
from mocklend.storage.engines import reading
from mocklend.storage.snapshot import Snapshot
from mocklend.storage.work import Command
from mocklend.writer import Writer

THREADS_MAX = 2
"""How many jobs a process runs at once; more wait for their turn."""
INTERRUPTED = "interrupted"

log = get_logger()


class JobDoc(TypedDict):
    """A job that runs beside its request."""

    id: Annotated[str, says("Its id.")]
    state: Annotated[
        str,
        one_of(
            (RUNNING, DONE, FAILED, INTERRUPTED),
            "`running`; `done`, with its `result`; `failed`, with the `problem` that ended it; `interrupted`: its "
            "process has ended.",
        ),
    ]
    at: Annotated[
        str, says("Of when its result is; while it runs, when it was begun. RFC 3339, on the sandbox's clock.")
    ]
    loans: Annotated[int, says("How many loans the sandbox has.")]
    looked_at: Annotated[
        int | None, says("How many of them it has looked at; null if another process runs it, or none does.")
    ]
    problem: Annotated[JsonObject | None, says("The problem that ended it, as problem+json; null if none has.")]


class WatchedJob(JobDoc):
    """A job with its result."""

    result: Any


class Made(NamedTuple):
    """What a job has made: its result, how many loans it has looked at, and figures of an audit.

    If there is a command, it is run, and its answer is the result.
    """

    result: Mapping[str, Any]
    loans: int
    discrepancies: int | None = None
    unexplained: int | None = None
    command: Command | None = None


Task = Callable[[Snapshot, Progress], Made]
"""What a job does."""


class Begun(NamedTuple):
    """A job that was begun or joined, by its id, and its end, if that was waited for."""

    id: str
    ended: EndJob | None


@dataclass(slots=True)
class _Running:
    """A job that this process runs: how many loans it has looked at, and what ends with it."""

    looked_at: int = 0
    future: Future[EndJob | None] | None = None


_Numbered = tuple[str, int, int]
"""A job by its sandbox, the number of the sandbox's resets, and its own number."""


class Jobs:
    """The jobs that one process runs beside its requests. Thread-safe."""

    def __init__(
        self,
        engine: Engine,
        writer: Writer,
        *,
        process: str,
        processes: Callable[[], Processes | None],
        real_ms: Callable[[], int],
    ) -> None:
        self._engine, self._writer = engine, writer
        self._process, self._processes, self._real_ms = process, processes, real_ms
        self._pool = ThreadPoolExecutor(THREADS_MAX, thread_name_prefix="mocklend-job")
        self._lock = threading.Lock()
        self._running: dict[_Numbered, _Running] = {}
        self._beginning: dict[tuple[str, str], threading.Lock] = {}
        self._closing = False

    def close(self) -> None:
        """Let running jobs end soon, and wait for them. To be called before the writer is closed."""
        self._closing = True
        self._pool.shutdown(cancel_futures=True)

    def begin(self, sandbox_id: str, kind: JobKind, task: Task, within_s: float = 0) -> Begun:
        """Begin a job; if one of its kind runs in the sandbox, it is that one.

        Waits up to `within_s` seconds for its end, if this process runs it. Raises Refused `sandbox_unknown`,
        `server_stopping`.
        """
        with self._lock:
            beginning = self._beginning.setdefault((sandbox_id, kind.name), threading.Lock())
        with beginning:
            number = self._joined(sandbox_id, kind) or self._begun(sandbox_id, kind, task)
        with self._lock:
            running = self._running.get(number)
        ended = None
        if within_s and running is not None and running.future is not None:
            with suppress(TimeoutError):
                ended = running.future.result(within_s)
        return Begun(jobs.id_of(kind, number[2]), ended)

    def _joined(self, sandbox_id: str, kind: JobKind) -> _Numbered | None:
        """The job of a kind that runs in the sandbox, or None."""
        with reading(self._engine) as connection:
            sandbox = lifecycle.required(connection, sandbox_id)
            newest = jobs.newest(Snapshot(connection, sandbox, 0), kind)
        if newest is None or newest.state != RUNNING or not self._is_run(sandbox_id, sandbox.resets, newest):
            return None
        return sandbox_id, sandbox.resets, newest.n

    def _begun(self, sandbox_id: str, kind: JobKind, task: Task) -> _Numbered:
        begun = self._writer.run(BeginJob(sandbox_id, kind, self._process)).body
        number, running = (sandbox_id, begun["resets"], begun["n"]), _Running()
        with self._lock:
            self._running[number] = running
        try:
            running.future = self._pool.submit(copy_context().run, self._run, number, kind, task)
        except RuntimeError:  # The pool was closed just now.
            raise Refused("server_stopping", f"the {kind.name} did not begin") from None
        return number

    def watched(self, snapshot: Snapshot, kind: JobKind, stored: StoredJob) -> WatchedJob:
        """A job as JSON."""
        resets = snapshot.sandbox.resets
        is_run = self._is_run(snapshot.sandbox_id, resets, stored)
        state = INTERRUPTED if stored.state == RUNNING and not is_run else stored.state
        text = jobs.outcome(snapshot, stored.n)
        came_of_it = None if text is None else json.loads(text)
        with self._lock:
            running = self._running.get((snapshot.sandbox_id, resets, stored.n))
        loans = number_of_loans(snapshot) if stored.loans is None else stored.loans
        return {
            "id": jobs.id_of(kind, stored.n),
            "state": state,
            "at": rfc3339(stored.at_ms),
            "loans": loans,
            "looked_at": loans if state == DONE else None if running is None else running.looked_at,
            "problem": came_of_it if state == FAILED else None,
            "result": came_of_it if state == DONE else None,
        }

    def _is_run(self, sandbox_id: str, resets: int, stored: StoredJob) -> bool:
        with self._lock:
            if (sandbox_id, resets, stored.n) in self._running:
                return True
        processes = self._processes()
        return stored.process != self._process and processes is not None and processes.is_alive(stored.process)

    def _run(self, number: _Numbered, kind: JobKind, task: Task) -> EndJob | None:
        """Run a job, and store its end. Returns None if that was not stored."""
        sandbox_id = number[0]
        try:
            ended = self._ended(number, kind, task)
            self._writer.run(ended)
            return ended
        except Exception as failure:
            if not isinstance(failure, Refused):  # Else the sandbox is gone, or the server stops.
                log.error("a job's result was not stored", kind=kind.name, sandbox=sandbox_id, exc_info=failure)
            return None
        finally:
            with self._lock:
                self._running.pop(number, None)

    def _ended(self, number: _Numbered, kind: JobKind, task: Task) -> EndJob:
        sandbox_id, resets, n = number

        def looked_at(loans: int) -> None:
            if self._closing:
                raise Refused("server_stopping", f"the {kind.name} did not end")
            with self._lock:
                self._running[number].looked_at = loans

        at_ms = 0
        try:
            with reading(self._engine) as connection:
                sandbox = lifecycle.required(connection, sandbox_id)
                snapshot = Snapshot(connection, sandbox, sandbox.now_ms(self._real_ms()))
                at_ms = snapshot.now_ms
                made = task(snapshot, looked_at)
            result = made.result if made.command is None else self._writer.run(made.command).body
        except Exception as failure:
            if not isinstance(failure, Refused):
                log.error("a job failed", kind=kind.name, sandbox=sandbox_id, exc_info=failure)
            return EndJob(sandbox_id, kind, n, resets, FAILED, at_ms, problem_of(failure))
        return EndJob(
            sandbox_id, kind, n, resets, DONE, at_ms, json.dumps(result), made.loans, made.discrepancies,
            made.unexplained,
        )  # fmt: skip
