"""Rows of CSV as the channels write them: quoted only where a field needs it, lines ended by CR LF.

A payer's reference may hold commas, quotes and line ends, and may begin like a formula. The first are quoted; a text
that a spreadsheet would run gets a tab before it, which `bare` takes off again.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from mocklend.channels.statements.day import MalformedStatement

_RUNS = ("=", "+", "-", "@", "\t", "\r")


def guarded(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return "\t" + text if text.startswith(_RUNS) else text


def bare(text: str) -> str:
    """What `guarded` was given."""
    return text.removeprefix("\t")


def joined(rows: Iterable[Sequence[str]]) -> str:
    """The rows as text."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue()


def parted(data: bytes, charset: str) -> list[list[str]]:
    """The text as rows, without the empty ones."""
    try:
        text = data.decode(charset)
        return [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise MalformedStatement(f"this is no CSV in {charset}: {error}") from None


def as_columns(names: Sequence[str], row: Sequence[str]) -> dict[str, str]:
    """A row by its columns' names."""
    if len(row) != len(names):
        raise MalformedStatement(f"a row of {len(row)} fields, not {len(names)}: {row[:3]}")
    return dict(zip(names, row, strict=True))
