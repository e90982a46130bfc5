"""Channels' statements that are late, cannot be read, or repeat a payment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date

from mocklend.reconcilers.evidence import Evidence
from mocklend.reconcilers.found import Found

CURRENCY = "CNY"
"""The currency of the account whose statements are read."""


def late_or_unreadable(evidence: Evidence) -> Iterator[Found]:
    """Statements that are overdue or unreadable, and so are not evidence of a day without movements."""
    for (channel, day), file in evidence.files.items():
        if file.wrong is not None:
            yield _finding(channel, day, file.wrong)


def repeated_rows(evidence: Evidence) -> Iterator[Found]:
    """Statements that repeat a movement: each has a number of the channel, which is unique."""
    for (channel, day), rows in evidence.statements.items():
        repeated = [number for number, times in Counter(row.channel_trade_no for row in rows).items() if times > 1]
        if repeated:
            yield _finding(channel, day, f"more than one row each: {', '.join(repeated)}")


def _finding(channel: str, day: date, wrong: str) -> Found:
    detail = f"{channel}'s statement of {day}: {wrong}"
    return Found("wrong_statement", f"{channel}.{day}.{CURRENCY}", None, 0, "remake", detail)
