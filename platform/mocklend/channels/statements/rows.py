"""Rows of CSV as the channels write them: nothing is ever quoted, and each line ends in CR LF.

Many readers of these files ignore quotes: they split the file at line ends, and a line at commas. The real files suit
them, and so do these. A payer's reference may have commas, quotes and line ends: `plain` replaces them by characters
that need no quotes. A text that a spreadsheet would execute gets a leading tab, which `bare` removes.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

from mocklend.channels.statements.day import MalformedStatement

_RUNS = ("=", "+", "-", "@")
_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""Control characters and everything that some reader treats as a line end."""
_STANDS_FOR = str.maketrans({",": "，", '"': "”"})


def plain(text: str) -> str:
    """A text in a form for a field: with a full-width comma, a closing quote, and a blank for each line break."""
    return _BREAKS.sub(" ", text).translate(_STANDS_FOR)


def guarded(text: str) -> str:
    """A text in a form for a field that no spreadsheet executes as a formula."""
    held = plain(text)
    return "\t" + held if held.startswith(_RUNS) else held


def bare(text: str) -> str:
    """The text of a field, without the tab that `guarded` puts before it."""
    return text.removeprefix("\t")


def joined(rows: Iterable[Sequence[str]]) -> str:
    """The rows as text. A field that would need quotes is a bug of the format and raises csv.Error."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n", quoting=csv.QUOTE_NONE).writerows(rows)
    return out.getvalue()


def parted(data: bytes, charset: str) -> list[list[str]]:
    """The text as rows, without the empty ones."""
    try:
        text = data.decode(charset)
        return [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise MalformedStatement(f"this is not CSV in {charset}: {error}") from None


def as_columns(names: Sequence[str], row: Sequence[str]) -> dict[str, str]:
    """A row by its columns' names."""
    if len(row) != len(names):
        raise MalformedStatement(f"a row of {len(row)} fields, not {len(names)}: {row[:3]}")
    return dict(zip(names, row, strict=True))
