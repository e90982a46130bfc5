"""Audits that run beside the requests that began them, and the answer of an audit with what a layer says of it.

request ─▶ BeginAudit ─▶ a thread of this process audits one snapshot ─▶ EndAudit: the result is stored
   └ 202 and the address at which to watch how many loans it has looked at
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from typing import Annotated, TypedDict

from sqlalchemy import Engine

from mocklend.audit import Progress, audit, audit_loan
from mocklend.audit.report import AuditDoc
from mocklend.domain.nouns import JsonObject, one_of, says
from mocklend.domain.problems import Refused
from mocklend.logs import get_logger
from mocklend.sandboxes import audits, lifecycle
from mocklend.sandboxes.audits import DONE, FAILED, RUNNING, BeginAudit, EndAudit, StoredAudit
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.scheduling.driver import problem_of
from mocklend.scheduling.processes import Processes
from mocklend.storage.changes import number_of_loans
from mocklend.storage.engines import reading
from mocklend.storage.snapshot import PlatformLayer, SandboxReader, Snapshot
from mocklend.writer import Writer

THREADS_MAX = 2
"""How many audits a process runs at once, each in another sandbox; more wait for their turn."""
INTERRUPTED = "interrupted"

log = get_logger()


class AuditJobDoc(TypedDict):
    """An audit that runs beside its request. The last one that is done is kept."""

    id: Annotated[str, says("The id of the audit.")]
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
    result: Annotated[AuditDoc | None, says("The audit, once it is done; null before.")]
    problem: Annotated[JsonObject | None, says("The problem that ended it, as problem+json; null if none has.")]


def audited(
    snapshot: Snapshot, layer: PlatformLayer | None, since: str | None = None, progress: Progress | None = None
) -> AuditDoc:
    """The audit as JSON: for each discrepancy its injection, and the injections without any discrepancy.

    Raises Refused `mark_unknown`, `mark_too_old`.
    """
    report = audit(snapshot, since, progress)
    if layer is None:
        return report.to_json()
    match = layer.explain_audit(snapshot, [discrepancy.finding for discrepancy in report.discrepancies])
    # An injection of a loan that was not looked at shows in an earlier audit.
    unobserved = match.unobserved if since is None else ()
    return report.to_json(match.explained_by, [entry.to_json() for entry in unobserved])


def audited_loan(snapshot: Snapshot, layer: PlatformLayer | None, loan_id: str) -> AuditDoc:
    """The audit of one loan as JSON. What belongs to no loan is not looked at. Raises Refused `loan_unknown`."""
    report = audit_loan(snapshot, loan_id)
    if layer is None:
        return report.to_json()
    _, explained_by = layer.trace(snapshot, loan_id, [discrepancy.finding for discrepancy in report.discrepancies])
    return report.to_json(explained_by)


class AuditRuns:
    """The audits that one process runs beside its requests. Thread-safe."""

    def __init__(
        self,
        engine: Engine,
        writer: Writer,
        layer: PlatformLayer | None,
        *,
        process: str,
        processes: Callable[[], Processes | None],
        real_ms: Callable[[], int],
    ) -> None:
        self._engine, self._writer, self._layer = engine, writer, layer
        self._process, self._processes, self._real_ms = process, processes, real_ms
        self._pool = ThreadPoolExecutor(THREADS_MAX, thread_name_prefix="mocklend-audit")
        self._lock = threading.Lock()
        self._looked_at: dict[tuple[str, int], int] = {}  # of those that this process runs, by sandbox and number
        self._beginning: dict[str, threading.Lock] = {}
        self._closing = False

    def close(self) -> None:
        """Let running audits end soon, and wait for them. To be called before the writer is closed."""
        self._closing = True
        self._pool.shutdown(cancel_futures=True)

    def begin(self, sandbox_id: str) -> str:
        """Begin an audit; if one runs in the sandbox, it is that one. Returns its id.

        Raises Refused `sandbox_unknown`, `server_stopping`.
        """
        with self._lock:
            beginning = self._beginning.setdefault(sandbox_id, threading.Lock())
        with beginning:
            with reading(self._engine) as connection:
                newest = audits.newest(SandboxReader(connection, sandbox_id))
            if newest is not None and newest.state == RUNNING and self._is_run(sandbox_id, newest):
                return newest.id
            n: int = self._writer.run(BeginAudit(sandbox_id, self._process)).body["n"]
            with self._lock:
                self._looked_at[sandbox_id, n] = 0
            try:
                self._pool.submit(copy_context().run, self._run, sandbox_id, n)
            except RuntimeError:  # The pool was closed just now.
                raise Refused("server_stopping", "the audit was not begun") from None
            return f"{audits.AUDIT}{n}"

    def doc(self, snapshot: Snapshot, stored: StoredAudit) -> AuditJobDoc:
        """An audit as JSON."""
        is_run = self._is_run(snapshot.sandbox_id, stored)
        state = INTERRUPTED if stored.state == RUNNING and not is_run else stored.state
        text = audits.outcome(snapshot, stored.n)
        came_of_it = None if text is None else json.loads(text)
        with self._lock:
            looked_at = self._looked_at.get((snapshot.sandbox_id, stored.n))
        loans = number_of_loans(snapshot) if stored.loans is None else stored.loans
        return {
            "id": stored.id,
            "state": state,
            "at": rfc3339(stored.at_ms),
            "loans": loans,
            "looked_at": loans if state == DONE else looked_at,
            "result": came_of_it if state == DONE else None,
            "problem": came_of_it if state == FAILED else None,
        }

    def _is_run(self, sandbox_id: str, stored: StoredAudit) -> bool:
        with self._lock:
            if (sandbox_id, stored.n) in self._looked_at:
                return True
        processes = self._processes()
        return stored.process != self._process and processes is not None and processes.is_alive(stored.process)

    def _run(self, sandbox_id: str, n: int) -> None:
        try:
            with suppress(Refused):  # The sandbox is gone, or the server stops.
                self._writer.run(self._result(sandbox_id, n))
        except Exception as failure:
            log.error("an audit's result was not stored", sandbox=sandbox_id, exc_info=failure)
        finally:
            with self._lock:
                self._looked_at.pop((sandbox_id, n), None)

    def _result(self, sandbox_id: str, n: int) -> EndAudit:
        def looked_at(loans: int) -> None:
            if self._closing:
                raise Refused("server_stopping", "the audit was not finished")
            with self._lock:
                self._looked_at[sandbox_id, n] = loans

        at_ms = 0
        try:
            with reading(self._engine) as connection:
                sandbox = lifecycle.required(connection, sandbox_id)
                snapshot = Snapshot(connection, sandbox, sandbox.now_ms(self._real_ms()))
                at_ms = snapshot.now_ms
                made = audited(snapshot, self._layer, progress=looked_at)
        except Exception as failure:
            if not isinstance(failure, Refused):
                log.error("an audit failed", sandbox=sandbox_id, exc_info=failure)
            return EndAudit(sandbox_id, n, FAILED, at_ms, problem_of(failure))
        unexplained = sum(found["explained_by"] is None for found in made["discrepancies"])
        return EndAudit(
            sandbox_id, n, DONE, at_ms, json.dumps(made), made["loans"], len(made["discrepancies"]), unexplained
        )
