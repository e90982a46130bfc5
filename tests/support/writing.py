"""Commands that fail, a layer that records its calls, and commands that are committed as one group."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import date

from msgspec import structs

from mocklend.domain.facts import EDIT, Fact
from mocklend.domain.problems import Refused
from mocklend.seams.repayment_filed import RepaymentFiled
from mocklend.seams.seam import EventContext, Seam, SeamEvent, Write
from mocklend.storage.answers import KEEP_ANSWER
from mocklend.storage.entities import Loan
from mocklend.storage.facts import BOOKS, append
from mocklend.storage.work import Answer, Command, Idempotency, Key, Work
from mocklend.writer import Writer
from support.layers import HonestLayer

ANSWERS = frozenset({"idempotency"})


@dataclass(frozen=True)
class Spoil:
    """A command whose effects the database refuses."""

    sandbox_id: str
    idem: Idempotency | None = None

    def needs(self) -> Iterable[Key]:
        return ()

    def decide(self, work: Work) -> Answer:
        for _ in range(2):
            work.write(KEEP_ANSWER, key="spoilt", fingerprint="", status=200, body="{}", created_ms=0)
        return Answer(200, {})


@dataclass(frozen=True)
class Think:
    """A command that raises, or that waits until the test lets it continue."""

    sandbox_id: str
    think: Callable[[], object]
    idem: Idempotency | None = None

    def needs(self) -> Iterable[Key]:
        return ()

    def decide(self, work: Work) -> Answer:
        self.think()
        return Answer(200, {})


@dataclass(frozen=True)
class ThinkAgain:
    """A command that changes everything that a command may change, and then refuses."""

    sandbox_id: str
    loan_id: str
    idem: Idempotency | None = None

    def needs(self) -> Iterable[Key]:
        return (("loan", self.loan_id), ("facts", self.loan_id))

    def decide(self, work: Work) -> Answer:
        loan = work.get(Loan, self.loan_id)
        work.put(structs.replace(loan, status="CLEAR", version=loan.version + 1))
        append(work, BOOKS, loan.id, Fact("edt_spilt", EDIT, work.now_ms, date(2026, 1, 5), 100), version=9)
        work.write(KEEP_ANSWER, key="spilt", fingerprint="", status=200, body="{}", created_ms=0)
        work.set_clock(work.now_ms + 3_600_000)
        raise Refused("loan_not_active", "on second thoughts")


class Counting(HonestLayer):
    """A layer that injects nothing and records its calls."""

    def __init__(self, mark: str | None = None) -> None:
        self.asked: list[Seam] = []
        self.heard_: list[tuple[str, ...]] = []
        self.groups: list[str] = []
        self.mark = mark
        self.left: Sequence[Write] = ()

    def group(self, connection: object, sandboxes: Iterable[tuple[str, int]]) -> Counting:
        self.groups.append("group")
        return self

    def at(self, context: EventContext, event: SeamEvent) -> tuple[SeamEvent, Sequence[Write]]:
        self.asked.append(event)
        if self.mark and isinstance(event, RepaymentFiled):
            return replace(event, override_status=self.mark), ()
        return event, ()

    def on_signals(self, context: EventContext, signals: Sequence[str]) -> Sequence[Write]:
        self.heard_.append(tuple(signals))
        return ()

    def finish(self) -> Sequence[Write]:
        self.groups.append("finish")
        return ()

    def commit(self) -> None:
        self.groups.append("commit")

    def drain(self) -> Sequence[Write]:
        left, self.left = self.left, ()
        return left


def together(writer: Writer, commands: Sequence[Command]) -> list[Answer | BaseException]:
    """Submit all of these so that they become one group: a first command holds the writer until they wait."""
    go, blocked = threading.Event(), threading.Event()

    def hold() -> None:
        blocked.set()
        assert go.wait(10)

    first = writer.submit(Think(commands[0].sandbox_id, hold))
    assert blocked.wait(10)
    futures: list[Future[Answer] | Refused] = []
    for command in commands:
        try:
            futures.append(writer.submit(command))
        except Refused as refused:
            futures.append(refused)
    go.set()
    first.result(10)
    return [_outcome(future) for future in futures]


def _outcome(future: Future[Answer] | Refused) -> Answer | BaseException:
    if isinstance(future, Refused):
        return future
    return future.exception(10) or future.result()
