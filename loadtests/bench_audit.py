"""What an audit costs beside the rows that it reads, and one that continues an earlier one: processor time.

No server takes part. The database is made once and grows with each round. Its loans were paid out, and repaid once.
"""

from __future__ import annotations

import gc
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from tool import CutShort

from mocklend import audit
from mocklend.domain.product import PRODUCTS
from mocklend.lending import AddBorrower, Borrow, Repay
from mocklend.runtime import Platform
from mocklend.storage.work import Command, Idempotency

START_MS, HOUR_MS = 1_767_578_400_000, 3_600_000
SANDBOX = "sbx_audited"
TOGETHER = 250
CHANGES = 1_000
"""Loans that are repaid between two audits, or all if there are fewer."""
READ = (
    "loans", "world_facts", "book_facts", "transactions", "postings", "loan_views", "repayments", "trades", "receipts",
    "certificates", "bureau_accounts", "bureau_records", "quotes", "disputes", "edits", "payouts",
)  # fmt: skip
"""The tables that an audit reads."""


def scanned(folder: Path, loans: int) -> float:
    """Seconds for fetching all rows that an audit reads, as tuples of sqlite3."""
    with _platform(folder, loans):
        pass

    def scan() -> None:
        for table in READ:
            file.execute(f"SELECT * FROM {table} WHERE sandbox_id = ?", (SANDBOX,)).fetchall()

    with closing(sqlite3.connect(_database(folder))) as file:
        scan()
        return _timed(scan)


def audited(folder: Path, loans: int) -> float:
    """Seconds for an audit of all loans."""
    with _platform(folder, loans) as platform:
        _audit(platform)
        gc.collect()
        gc.freeze()  # As a server does once it has started.
        return _timed(lambda: _audit(platform))


def audited_again(folder: Path, loans: int) -> float:
    """Seconds for an audit that continues from one before CHANGES repayments."""
    with _platform(folder, loans) as platform:
        mark = _audit(platform).mark
        with platform.snapshot(SANDBOX) as snapshot:
            ids = snapshot.ids(
                "SELECT id FROM loans WHERE sandbox_id = :sandbox_id ORDER BY id LIMIT :most", most=CHANGES
            )
        _repay(platform, ids)
        gc.collect()
        gc.freeze()
        return _timed(lambda: _audit(platform, mark))


def _database(folder: Path) -> Path:
    return folder / "audited.sqlite"


@contextmanager
def _platform(folder: Path, loans: int) -> Iterator[Platform]:
    is_new = not _database(folder).exists()
    with closing(Platform(str(_database(folder)), fast=True)) as platform:
        if is_new:
            _fill(platform, loans)
        yield platform


def _fill(platform: Platform, loans: int) -> None:
    platform.create_sandbox(seed=7, mode="manual", now_ms=START_MS, id=SANDBOX)
    ada = platform.run(AddBorrower(SANDBOX, "ada", "Ada", 10**13)).body["id"]
    product = PRODUCTS["jiebei-like"]
    borrowed = _run(
        platform,
        [Borrow(SANDBOX, Idempotency(f"l{n}", ""), ada, 100_000 + n, "CNY", product, None, None) for n in range(loans)],
    )
    platform.advance(SANDBOX, by_ms=HOUR_MS)
    _repay(platform, borrowed)


def _repay(platform: Platform, loans: Sequence[str]) -> None:
    """Repay loans, until the books have it."""
    now_ms = platform.now_ms(SANDBOX)
    orders: list[Command] = [
        Repay(SANDBOX, Idempotency(f"r{now_ms}.{n}", ""), loan, 1_000, "wallet", "OVD_AND_CURRENT", None, None)
        for n, loan in enumerate(loans)
    ]
    _run(platform, orders)
    platform.advance(SANDBOX, by_ms=HOUR_MS)


def _run(platform: Platform, commands: Sequence[Command]) -> list[str]:
    ids: list[str] = []
    for start in range(0, len(commands), TOGETHER):
        waiting = [platform.writer.submit(command) for command in commands[start : start + TOGETHER]]
        ids += [str(answer.result().body["id"]) for answer in waiting]
    return ids


def _audit(platform: Platform, since: str | None = None) -> audit.Audit:
    with platform.snapshot(SANDBOX) as snapshot:
        result = audit.audit(snapshot, since)
    if not result.clean:
        raise CutShort(f"the audit is not clean: {result.discrepancies[0].detail}")
    return result


def _timed(act: Callable[[], object]) -> float:
    began = time.process_time()
    act()
    return time.process_time() - began
