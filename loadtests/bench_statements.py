"""How many SQL statements a group of commands runs, and how many bytes each command writes, on SQLite.

        story ─▶ writer ─▶ a group of TOGETHER commands of one kind ─▶ statements that ran, growth of the log

A group runs as many statements however many commands it has, or nearly; so the number is that of a group. The bytes are
those that SQLite appends to its write-ahead log, which is what a commit writes to the disk.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

from sqlalchemy import event

from mocklend.domain.product import PRODUCTS
from mocklend.lending import AddBorrower, Borrow, Repay
from mocklend.runtime import Platform
from mocklend.storage.work import Command, Idempotency
from mocklend.writer import Outcome, SourcedCommand, Writer

START_MS, DAY_MS = 1_767_578_400_000, 86_400_000
TOGETHER = 64
KINDS = {
    "Borrow": "borrow",
    "Repay": "repay",
    "SettleTrade": "settlement",
    "AttemptCallback": "callback with booking",
}
"""By class of the command, what it is called."""


class Written(TypedDict):
    """What a kind of command costs the database."""

    commands: int
    statements: float
    """A group of TOGETHER."""
    bytes: float
    """A command."""


def written(folder: Path) -> dict[str, Written]:
    """The statements and bytes of each kind of command, in one story."""
    database = folder / "statements.db"
    platform = Platform(str(database), fast=True, delivers=False)
    try:
        return _Counted(platform, database).story()
    finally:
        platform.close()


class _Counted:
    """A platform whose groups are counted."""

    def __init__(self, platform: Platform, database: Path) -> None:
        self._platform, self._log = platform, Path(f"{database}-wal")
        self._ran = 0
        self._of: dict[str, tuple[Counter[str], list[int]]] = {}
        event.listen(platform.engine, "before_cursor_execute", self._count)
        commit = platform.writer._commit_group

        def counted(group: Sequence[SourcedCommand]) -> list[Outcome]:
            kinds = {type(command).__name__ for command, _ in group} - {"MoveClock"}
            with platform.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            self._ran = 0
            outcomes = commit(group)
            size = sum(type(command).__name__ in KINDS for command, _ in group)
            if len(kinds) == 1 and size == TOGETHER:
                counts, sizes = self._of.setdefault(kinds.pop(), (Counter(), []))
                counts.update(groups=1, statements=self._ran)
                sizes.append(self._log.stat().st_size)
            return outcomes

        platform.writer._commit_group = counted  # type: ignore[assignment]

    def _count(self, *_: object) -> None:
        self._ran += 1

    def story(self) -> dict[str, Written]:
        """Loans, a repayment of each, and a day that settles and books them."""
        sandbox = self._platform.create_sandbox(seed=7, mode="manual", now_ms=START_MS)
        ada = self._platform.run(AddBorrower(sandbox.id, "ada", "Ada", 10**12)).body["id"]
        product = PRODUCTS["jiebei-like"]
        loans: list[str] = []
        for group in range(4):
            keys = [Idempotency(f"loan-{group}-{n}", "") for n in range(TOGETHER)]
            borrow = [Borrow(sandbox.id, key, ada, 100_000, "CNY", product, None, None) for key in keys]
            loans += self._run(sandbox.id, borrow)
        self._platform.advance(sandbox.id, by_ms=3_600_000)
        for start in range(0, len(loans), TOGETHER):
            some = loans[start : start + TOGETHER]
            orders = [
                Repay(sandbox.id, Idempotency(f"of {loan}", ""), loan, 1_000, "wallet", "OVD_AND_CURRENT", None, None)
                for loan in some
            ]
            self._run(sandbox.id, orders)
            self._platform.advance(sandbox.id, by_ms=DAY_MS)
        return {
            KINDS[kind]: {
                "commands": counts["groups"] * TOGETHER,
                "statements": counts["statements"] / counts["groups"],
                "bytes": sum(sizes) / counts["groups"] / TOGETHER,
            }
            for kind, (counts, sizes) in self._of.items()
            if kind in KINDS
        }

    def _run(self, sandbox_id: str, commands: Sequence[Command]) -> list[str]:
        writer: Writer = self._platform.writer
        with writer.holding(sandbox_id):
            futures = [writer.submit(command) for command in commands]
            while len(writer._held[sandbox_id]) < len(commands):
                time.sleep(0.001)
        return [str(future.result().body["id"]) for future in futures]
