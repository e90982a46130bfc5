"""The audits of a sandbox that run beside the requests that began them: the last one is kept, for any process to show.

BeginAudit ─▶ `running`, with the process that runs it ─▶ EndAudit ─▶ `done` or `failed`, with what came of it
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from msgspec.structs import replace

from mocklend.domain.numbers import whole_number
from mocklend.domain.problems import Refused
from mocklend.storage.snapshot import SandboxReader
from mocklend.storage.statements import ENTITIES, OUTBOX, statement
from mocklend.storage.work import Answer, Idempotency, Key, Work

RUNNING, DONE, FAILED = "running", "done", "failed"
AUDIT = "aud_"
"""The prefix of an audit's id."""

INSERT = statement(
    "audits.insert",
    """INSERT INTO audits (sandbox_id, n, process, state, at_ms, loans, discrepancies, unexplained, outcome)
       VALUES (:sandbox_id, :n, :process, :state, :at_ms, NULL, NULL, NULL, NULL)""",
    rank=ENTITIES,
)
END = statement(
    "audits.end",
    """UPDATE audits SET state = :state, at_ms = :at_ms, loans = :loans, discrepancies = :discrepancies,
           unexplained = :unexplained, outcome = :outcome
       WHERE sandbox_id = :sandbox_id AND n = :n""",
    rank=OUTBOX,
)
FORGET = statement("audits.forget", "DELETE FROM audits WHERE sandbox_id = :sandbox_id AND n < :n", rank=OUTBOX)
_HEAD = "SELECT n, process, state, at_ms, loans, discrepancies, unexplained FROM audits WHERE sandbox_id = :sandbox_id"
NEWEST = f"{_HEAD} ORDER BY n DESC LIMIT 1"
NEWEST_DONE = f"{_HEAD} AND state = '{DONE}' ORDER BY n DESC LIMIT 1"
ONE = f"{_HEAD} AND n = :n"
OUTCOME = "SELECT outcome FROM audits WHERE sandbox_id = :sandbox_id AND n = :n AND outcome IS NOT NULL"


class StoredAudit(NamedTuple):
    """A stored audit, without its result. The figures are None until it is done."""

    n: int
    process: str
    state: str
    at_ms: int
    loans: int | None
    discrepancies: int | None
    unexplained: int | None

    @property
    def id(self) -> str:
        """Its id."""
        return f"{AUDIT}{self.n}"


def newest(reader: SandboxReader) -> StoredAudit | None:
    """The newest audit; None if there was none since the last reset."""
    return next(iter(reader.rows(StoredAudit, NEWEST)), None)


def newest_done(reader: SandboxReader) -> StoredAudit | None:
    """The newest audit that is done, or None."""
    return next(iter(reader.rows(StoredAudit, NEWEST_DONE)), None)


def by_id(reader: SandboxReader, id: str) -> StoredAudit:
    """The audit with this id. Raises Refused `audit_unknown`."""
    number = whole_number(id.removeprefix(AUDIT))
    rows = [] if number is None else reader.rows(StoredAudit, ONE, n=number)
    if not rows or rows[0].id != id:
        raise Refused("audit_unknown", f"no audit {id}", audit_id=id)
    return rows[0]


def outcome(reader: SandboxReader, n: int) -> str | None:
    """The JSON of what came of an audit: its result, or the problem that ended it; None while it runs."""
    return next(iter(reader.ids(OUTCOME, n=n)), None)


@dataclass(frozen=True, slots=True)
class BeginAudit:
    """Number an audit that a process is about to run."""

    sandbox_id: str
    process: str
    idem: Idempotency | None = None

    def needs(self) -> tuple[Key, ...]:
        """Nothing: the sandbox is always loaded."""
        return ()

    def decide(self, work: Work) -> Answer:
        """200 with `n`, its number."""
        n = work.sandbox.audits + 1
        work.put(replace(work.sandbox, audits=n))
        work.write(INSERT, n=n, process=self.process, state=RUNNING, at_ms=work.now_ms)
        return Answer(200, {"n": n})


@dataclass(frozen=True, slots=True)
class EndAudit:
    """Store what has become of an audit. Once one is done, those before it are forgotten."""

    sandbox_id: str
    n: int
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
        """200. No effect if the sandbox was reset since."""
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
            work.write(FORGET, n=self.n)
        return Answer(200, {})
