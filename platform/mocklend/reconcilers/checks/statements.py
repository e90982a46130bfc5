"""Channels' statements that are late, cannot be read, or repeat a payment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from mocklend.reconcilers.evidence import Account, Evidence
from mocklend.reconcilers.found import Found


def late_or_unreadable(evidence: Evidence) -> Iterator[Found]:
    """Statements that are overdue or unreadable, and so are not evidence of a day without movements."""
    for account, file in evidence.files.items():
        if file.wrong is not None:
            yield _finding(account, file.wrong)


def repeated_rows(evidence: Evidence) -> Iterator[Found]:
    """Statements that repeat a movement: each has a number of the channel, which is unique."""
    for account, rows in evidence.statements.items():
        repeated = [number for number, times in Counter(row.channel_trade_no for row in rows).items() if times > 1]
        if repeated:
            yield _finding(account, f"more than one row each: {', '.join(repeated)}")


def _finding(account: Account, wrong: str) -> Found:
    detail = f"{account.channel}'s statement of {account.day} in {account.currency}: {wrong}"
    return Found("wrong_statement", account.file_id, None, 0, "remake", detail, currency=account.currency)
