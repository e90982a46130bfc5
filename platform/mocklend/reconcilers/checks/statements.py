"""Channels' files of a day: what is late, cannot be read, or has a payment twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date

from mocklend.reconcilers.evidence import Evidence
from mocklend.reconcilers.found import Found

CURRENCY = "CNY"
"""Files are read of the account in this money."""


def late_or_unreadable(evidence: Evidence) -> Iterator[Found]:
    """A file whose time has come and that is no evidence of anything: not a day on which nothing moved."""
    for (channel, day), file in evidence.files.items():
        if file.wrong is not None:
            yield _found(channel, day, file.wrong)


def the_same_row_again(evidence: Evidence) -> Iterator[Found]:
    """A channel gives each movement a number of its own. One that is there twice moved once."""
    for (channel, day), rows in evidence.statements.items():
        again = [number for number, times in Counter(row.channel_trade_no for row in rows).items() if times > 1]
        if again:
            yield _found(channel, day, f"more than one row each: {', '.join(again)}")


def _found(channel: str, day: date, wrong: str) -> Found:
    detail = f"{channel}'s statement of {day}: {wrong}"
    return Found("wrong_statement", f"{channel}.{day}.{CURRENCY}", None, 0, "remake", detail)
