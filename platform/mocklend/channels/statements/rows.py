"""Rows of CSV as the channels write them: nothing is ever quoted, and each line ends in CR LF.

Many readers of these files know no quotes: they part the file at its line ends, and a line at its commas. The real
files suit them, so ours do. A payer's reference may hold commas, quotes and line ends: `plain` leaves a sign in their
place that needs no quotes. A text that a spreadsheet would run gets a tab before it, which `bare` takes off again.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

from mocklend.channels.statements.day import MalformedStatement

_RUNS = ("=", "+", "-", "@")
_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""Control characters and all that some reader takes for the end of a line."""
_STANDS_FOR = str.maketrans({",": "，", '"': "”"})


def plain(text: str) -> str:
    """What a field can hold of a text: a full-width comma, a closing quote, and a blank for each break."""
    return _BREAKS.sub(" ", text).translate(_STANDS_FOR)


def guarded(text: str) -> str:
    """A text as a field holds it, which no spreadsheet takes for a formula."""
    held = plain(text)
    return "\t" + held if held.startswith(_RUNS) else held


def bare(text: str) -> str:
    """The text of a field, without the tab that `guarded` puts before it."""
    return text.removeprefix("\t")


def joined(rows: Iterable[Sequence[str]]) -> str:
    """The rows as text. A field that would need quotes is a bug of the format's, and raises csv.Error."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n", quoting=csv.QUOTE_NONE).writerows(rows)
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
