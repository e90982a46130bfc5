"""The advances of a sandbox's clock: claimed, ended, and stored so that any process can say what became of one.

        ClaimAdvance ─▶ `running`, with the process that runs it ─▶ MoveClock, step by step ─▶ NoteAdvance ─▶ `done`
                                       └ the process dies: the row stays, and the claim of the clock's target, too

An advance counts once it is claimed. If it fails or its process dies, the next advance goes to its target first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from msgspec.structs import replace

from mocklend.domain.numbers import whole_number
from mocklend.domain.problems import Refused
from mocklend.sandboxes.lifecycle import ADVANCE, advance_id, refuse_move, target_or_now
from mocklend.sandboxes.timestamps import LAST_MS, Span, rfc3339
from mocklend.storage.snapshot import SandboxReader
from mocklend.storage.statements import ENTITIES, OUTBOX, statement
from mocklend.storage.work import Answer, Idempotency, Key, Work

RUNNING, DONE, FAILED = "running", "done", "failed"
ADVANCES_KEPT = 16
"""How many advances of a sandbox are kept."""

INSERT = statement(
    "advances.insert",
    """INSERT INTO advances (sandbox_id, n, process, state, began_ms, to_ms, outcome)
       VALUES (:sandbox_id, :n, :process, :state, :began_ms, :to_ms, :outcome)""",
    rank=ENTITIES,
)
NOTE = statement(
    "advances.note",
    """UPDATE advances SET process = :process, state = :state, outcome = :outcome
       WHERE sandbox_id = :sandbox_id AND n = :n""",
    rank=OUTBOX,
)
FORGET = statement("advances.forget", "DELETE FROM advances WHERE sandbox_id = :sandbox_id AND n <= :n", rank=ENTITIES)
NEWEST = """SELECT n, process, state, began_ms, to_ms, outcome FROM advances
    WHERE sandbox_id = :sandbox_id ORDER BY n DESC"""
ONE = "SELECT n, process, state, began_ms, to_ms, outcome FROM advances WHERE sandbox_id = :sandbox_id AND n = :n"


class Move(NamedTuple):
    """How far an advance goes: to a moment (ms), by a duration, or (`to_next`) to the next thing that is due."""

    to_ms: int | None = None
    by_ms: int | None = None
    by_months: int = 0
    to_next: bool = False


class StoredAdvance(NamedTuple):
    """A stored advance. `outcome` is JSON: what it released, or the problem that ended it; None while it runs."""

    n: int
    process: str
    state: str
    began_ms: int
    to_ms: int
    outcome: str | None

    @property
    def id(self) -> str:
        """Its id."""
        return advance_id(self.n)


def newest(reader: SandboxReader) -> list[StoredAdvance]:
    """The stored advances, newest first."""
    return reader.rows(StoredAdvance, NEWEST)


def find(reader: SandboxReader, n: int) -> StoredAdvance | None:
    """The advance with this number, or None if it is not stored any more."""
    return next(iter(reader.rows(StoredAdvance, ONE, n=n)), None)


def by_id(reader: SandboxReader, id: str) -> StoredAdvance:
    """The advance with this id. Raises Refused `advance_unknown`."""
    number = whole_number(id.removeprefix(ADVANCE))  # A longer one is none of ours, and may not fit into a column.
    stored = None if number is None else find(reader, number)
    if stored is None or stored.id != id:
        raise Refused("advance_unknown", f"no advance {id}", advance_id=id)
    return stored


@dataclass(frozen=True, slots=True)
class ClaimAdvance:
    """Set the target of a manual clock: `to_ms`, or `by_months` and `by_ms` after its time or present target.

    Two advances at once are two commits on one row, so the second starts at the target of the first. If the process
    dies meanwhile, the target stays, and the next advance moves there first.
    """

    sandbox_id: str
    to_ms: int | None
    by_ms: int | None
    idem: Idempotency | None = None
    process: str = ""
    by_months: int = 0
    to_next: bool = False  # to the next thing that is due: `to_ms`, or None if nothing is

    def needs(self) -> tuple[Key, ...]:
        """Nothing: the sandbox is always loaded."""
        return ()

    def decide(self, work: Work) -> Answer:
        """200 with `n`, the advance's number, `to_ms`, the target, and `resets`, the sandbox's number of resets.

        Raises Refused `clock_not_manual`, `clock_backwards`, `nothing_due`, `validation_failed`."""
        sandbox, began_ms = work.sandbox, target_or_now(work.sandbox)
        by = Span(self.by_months, self.by_ms or 0)
        to_ms = self.to_ms if self.to_ms is not None else by.after(began_ms, sandbox.zone)
        refuse_move(sandbox, to_ms)
        if self.to_next and self.to_ms is None:
            raise Refused("nothing_due", "the clock was not moved", sandbox_id=sandbox.id)
        if to_ms > LAST_MS:
            raise Refused("validation_failed", "the time is too late", expected=f"a time not after {rfc3339(LAST_MS)}")
        n = sandbox.advances + 1
        work.put(replace(sandbox, target_ms=to_ms, advances=n))
        work.write(INSERT, n=n, process=self.process, state=RUNNING, began_ms=began_ms, to_ms=to_ms, outcome=None)
        if n > ADVANCES_KEPT:
            work.write(FORGET, n=n - ADVANCES_KEPT)
        return Answer(200, {"n": n, "to_ms": to_ms, "resets": sandbox.resets})


@dataclass(frozen=True, slots=True)
class MoveClock:
    """Move the clock by one step of an advance. A clock that another process has moved further stays where it is."""

    sandbox_id: str
    to_ms: int
    resets: int
    idem: Idempotency | None = None

    def needs(self) -> tuple[Key, ...]:
        """Nothing: the sandbox is always loaded."""
        return ()

    def decide(self, work: Work) -> Answer:
        """200. Raises Refused `clock_reset` if the sandbox was reset since the advance began, `clock_not_manual`."""
        if work.sandbox.resets != self.resets:
            raise Refused("clock_reset", "the sandbox was reset while its clock moved", sandbox_id=self.sandbox_id)
        if work.sandbox.mode != "manual":
            raise Refused("clock_not_manual", "the clock was set to run", sandbox_id=self.sandbox_id)
        if work.sandbox.sandbox_ms < self.to_ms:
            work.set_clock(self.to_ms)
        return Answer(200, {})


@dataclass(frozen=True, slots=True)
class NoteAdvance:
    """Store what has become of an advance: `done` with its result, `failed`, or `running` in this process again."""

    sandbox_id: str
    n: int
    process: str
    state: str
    outcome: str | None
    idem: Idempotency | None = None

    def needs(self) -> tuple[Key, ...]:
        """Nothing: the sandbox is always loaded."""
        return ()

    def decide(self, work: Work) -> Answer:
        """200. No effect if the advance is not stored any more, as after a reset."""
        work.write(NOTE, n=self.n, process=self.process, state=self.state, outcome=self.outcome)
        return Answer(200, {})
