"""What a status query, a repayment and a loan cost in one sandbox that grows: processor time in this process.

    scripts/bench --growth 1000 100000 1000000

The same database grows from size to size. Status pages are read from the database, at random; repayments and loans go
through the writer in groups of TOGETHER, without waiting for the disk. A million loans take about ten minutes and 8 GB.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypedDict

from mocklend.domain.product import PRODUCTS
from mocklend.lending import AddBorrower, Borrow, Repay
from mocklend.runtime import NewSandbox, Platform
from mocklend.storage.quick import QuickReader
from mocklend.storage.work import Command, Idempotency
from mocklend.views.page_versions import page_for_now

START_MS = 1_767_578_400_000
TOGETHER = 64
LOANS_OF_ONE = 10
"""Loans of one borrower."""
READS, WRITES = 5_000, 1_280
PRODUCT = PRODUCTS["jiebei-like"]


class Cost(TypedDict):
    """Microseconds of processor time for each operation, with so many loans there."""

    loans: int
    status_us: float
    repay_us: float
    borrow_us: float


def growth(folder: Path, sizes: Sequence[int]) -> Iterator[Cost]:
    """The costs at each size, in ascending order."""
    platform = Platform(str(folder / "growth.db"), fast=True)
    try:
        story = Growing(platform)
        for size in sorted(sizes):
            story.grow_to(size)
            yield {
                "loans": size,
                "status_us": story.status_us(),
                "repay_us": story.repay_us(),
                "borrow_us": story.borrow_us(),
            }
    finally:
        platform.close()


class Growing:
    """One sandbox whose clock stands still."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self.sandbox: NewSandbox = platform.create_sandbox(seed=7, mode="manual", now_ms=START_MS)
        self.loans: list[str] = []
        self._borrower = ""
        self._asked = 0
        self._ordered = 0
        self._random = random.Random(7)

    def grow_to(self, size: int) -> None:
        """Borrow until there are so many loans."""
        while len(self.loans) < size:
            commands = self._loans_to_borrow(min(500, size - len(self.loans)))
            self.loans += [str(answer["id"]) for answer in self._run(commands)]

    def status_us(self) -> float:
        """A status page from the database."""
        reader = QuickReader(self._platform.engine)
        asked = self._random.choices(self.loans, k=READS)
        real_ms = self._platform.real_ms()

        def read() -> None:
            for loan in asked:
                assert page_for_now(reader, self.sandbox.id, real_ms, loan) is not None

        read()
        took_us = _timed(read) / READS
        reader.close()
        return took_us

    def repay_us(self) -> float:
        """An acknowledged repayment."""

        def repay() -> None:
            for _ in range(0, WRITES, TOGETHER):
                self._run([self._order(loan) for loan in self._random.choices(self.loans, k=TOGETHER)])

        repay()
        return _timed(repay) / WRITES

    def borrow_us(self) -> float:
        """A new loan of a new borrower's, whose making is not measured."""
        groups = [self._loans_to_borrow(TOGETHER) for _ in range(0, WRITES, TOGETHER)]
        self._run(self._loans_to_borrow(TOGETHER))

        def borrow() -> None:
            for group in groups:
                self._run(group)

        return _timed(borrow) / WRITES

    def _order(self, loan: str) -> Command:
        self._ordered += 1
        key = Idempotency(f"order-{self._ordered}", "")
        return Repay(self.sandbox.id, key, loan, 1_000, "bank_transfer", "OVD_AND_CURRENT", None, None)

    def _loans_to_borrow(self, count: int) -> list[Command]:
        commands: list[Command] = []
        for n in range(self._asked, self._asked + count):
            if not n % LOANS_OF_ONE:
                add = AddBorrower(self.sandbox.id, f"borrower-{n}", "Ada", 10**12)
                self._borrower = self._platform.run(add).body["id"]
            key = Idempotency(f"loan-{n}", "")
            commands.append(Borrow(self.sandbox.id, key, self._borrower, 100_000, "CNY", PRODUCT, None, None))
        self._asked += count
        return commands

    def _run(self, commands: Sequence[Command]) -> list[dict[str, object]]:
        with self._platform.writer.holding(self.sandbox.id):
            futures = [self._platform.writer.submit(command) for command in commands]
        return [dict(future.result().body) for future in futures]


def _timed(act: Callable[[], None]) -> float:
    began = time.process_time()
    act()
    return (time.process_time() - began) * 1e6
