"""What runs beside the requests that began it, as rows: the last one of a kind is kept, for any process to show.

BeginJob ─▶ `running`, with the process that runs it ─▶ EndJob ─▶ `done` or `failed`, with what came of it
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from msgspec.structs import replace

from mocklend.domain.numbers import whole_number
from mocklend.domain.problems import Refused
from mocklend.storage.snapshot import SandboxReader
from mocklend.storage.statements import ENTITIES, JOURNAL, OUTBOX, statement
from mocklend.storage.work import Answer, Idempotency, Key, Work

RUNNING, DONE, FAILED = "running", "done", "failed"
LATER_MAX = 16
"""A job that is not done is kept until so many have begun after it."""


Progress = Callable[[int], None]
"""Is told how many loans a job has looked at. What it raises ends the job."""


class JobKind(NamedTuple):
    """A kind of job: its name, the prefix of its ids, and the problem of an id that it has not."""

    name: str
    prefix: str
    unknown: str


AUDIT = JobKind("audit", "aud_", "audit_unknown")
CHECKS = JobKind("checks", "chk_", "alert_run_unknown")

INSERT = statement(
    "jobs.insert",
    """INSERT INTO jobs (sandbox_id, n, kind, process, state, at_ms, loans, discrepancies, unexplained, outcome)
       VALUES (:sandbox_id, :n, :kind, :process, :state, :at_ms, NULL, NULL, NULL, NULL)""",
    rank=ENTITIES,
)
FORGET_FAILED = statement(
    "jobs.forget_failed",
    f"DELETE FROM jobs WHERE sandbox_id = :sandbox_id AND kind = :kind AND n <= :n AND state <> '{DONE}'",
    rank=JOURNAL,
)
END = statement(
    "jobs.end",
    """UPDATE jobs SET state = :state, at_ms = :at_ms, loans = :loans, discrepancies = :discrepancies,
           unexplained = :unexplained, outcome = :outcome
       WHERE sandbox_id = :sandbox_id AND n = :n""",
    rank=OUTBOX,
)
FORGET = statement(
    "jobs.forget", "DELETE FROM jobs WHERE sandbox_id = :sandbox_id AND kind = :kind AND n < :n", rank=OUTBOX
)
_HEAD = """SELECT n, process, state, at_ms, loans, discrepancies, unexplained FROM jobs
    WHERE sandbox_id = :sandbox_id AND kind = :kind"""
NEWEST = f"{_HEAD} ORDER BY n DESC LIMIT 1"
NEWEST_DONE = f"{_HEAD} AND state = '{DONE}' ORDER BY n DESC LIMIT 1"
ONE = f"{_HEAD} AND n = :n"
OUTCOME = "SELECT outcome FROM jobs WHERE sandbox_id = :sandbox_id AND n = :n AND outcome IS NOT NULL"


class StoredJob(NamedTuple):
    """A stored job, without what came of it. The figures are None until it is done, those of an audit for others."""

    n: int
    process: str
    state: str
    at_ms: int
    loans: int | None
    discrepancies: int | None
    unexplained: int | None


def newest(reader: SandboxReader, kind: JobKind) -> StoredJob | None:
    """The newest job of a kind; None if there was none since the last reset."""
    return next(iter(reader.rows(StoredJob, NEWEST, kind=kind.name)), None)


def newest_done(reader: SandboxReader, kind: JobKind) -> StoredJob | None:
    """The newest job of a kind that is done, or None."""
    return next(iter(reader.rows(StoredJob, NEWEST_DONE, kind=kind.name)), None)


def by_id(reader: SandboxReader, kind: JobKind, id: str) -> StoredJob:
    """The job of a kind with this id. Raises Refused with the kind's problem, as `audit_unknown`."""
    number = whole_number(id.removeprefix(kind.prefix))
    rows = [] if number is None else reader.rows(StoredJob, ONE, kind=kind.name, n=number)
    if not rows or id_of(kind, rows[0].n) != id:
        raise Refused(kind.unknown, f"no {kind.name} {id}", id=id)
    return rows[0]


def id_of(kind: JobKind, n: int) -> str:
    """The id of the job of a kind with this number."""
    return f"{kind.prefix}{n}"


def outcome(reader: SandboxReader, n: int) -> str | None:
    """The JSON of what came of a job: its result, or the problem that ended it; None while it runs."""
    return next(iter(reader.ids(OUTCOME, n=n)), None)


@dataclass(frozen=True, slots=True)
class BeginJob:
    """Number a job that a process is about to run. All kinds of a sandbox have one series of numbers."""

    sandbox_id: str
    kind: JobKind
    process: str
    idem: Idempotency | None = None

    def needs(self) -> tuple[Key, ...]:
        """Nothing: the sandbox is always loaded."""
        return ()

    def decide(self, work: Work) -> Answer:
        """200 with `n`, its number, and `resets`, the sandbox's number of resets."""
        n = work.sandbox.jobs + 1
        work.put(replace(work.sandbox, jobs=n))
        work.write(INSERT, n=n, kind=self.kind.name, process=self.process, state=RUNNING, at_ms=work.now_ms)
        if n > LATER_MAX:
            work.write(FORGET_FAILED, kind=self.kind.name, n=n - LATER_MAX)
        return Answer(200, {"n": n, "resets": work.sandbox.resets})


@dataclass(frozen=True, slots=True)
class EndJob:
    """Store what has become of a job. Once one is done, those of its kind before it are forgotten."""

    sandbox_id: str
    kind: JobKind
    n: int
    resets: int
    state: str
    at_ms: int
    outcome: str
    loans: int | None = None
    discrepancies: int | None = None
    unexplained: int | None = None
    idem: Idempotency | None = None

    def needs(self) -> tuple[Key, ...]:
        """Nothing: the sandbox is always loaded."""
        return ()

    def decide(self, work: Work) -> Answer:
        """200. No effect if the sandbox was reset since: another job may have the number now."""
        if work.sandbox.resets != self.resets:
            return Answer(200, {})
        work.write(
            END,
            n=self.n,
            state=self.state,
            at_ms=self.at_ms,
            loans=self.loans,
            discrepancies=self.discrepancies,
            unexplained=self.unexplained,
            outcome=self.outcome,
        )
        if self.state == DONE:
            work.write(FORGET, kind=self.kind.name, n=self.n)
        return Answer(200, {})
