"""Common parts of Alipay's two business bills: lines that begin with # around a table, and fields that end in a tab."""

from __future__ import annotations

from collections.abc import Sequence

from mocklend.channels.statements.day import Heading, MalformedStatement, expect
from mocklend.channels.statements.rows import as_columns

FIELD_END = "\t"
"""Ends a text or a long number, so that a spreadsheet keeps all digits. Readers have to remove it."""


def tabbed(text: str) -> str:
    """A text or a number as these bills print it."""
    return text + FIELD_END


def fields_of(columns: Sequence[str], row: Sequence[str]) -> dict[str, str]:
    """A row by its columns' names, each without its tab at the end."""
    return {name: value.removesuffix(FIELD_END) for name, value in as_columns(columns, row).items()}


def chinese_stamp(heading: Heading, at_ms: int) -> str:
    """A moment like 2026年01月05日 10:00:02."""
    at = heading.local(at_ms)
    return f"{at:%Y}年{at:%m}月{at:%d}日 {at:%H:%M:%S}"


def notes(heading: Heading) -> list[list[str]]:
    """The account and the period of the bill."""
    start, stop = chinese_stamp(heading, heading.from_ms), chinese_stamp(heading, heading.until_ms)
    return [[f"#账号：[{heading.account}]"], [f"#起始日期：[{start}]   终止日期：[{stop}]"]]


def body(rows: Sequence[Sequence[str]], columns: Sequence[str], heading: Heading) -> list[Sequence[str]]:
    """The table's lines. Raises MalformedStatement if it has another account or day, or no last line."""
    comments = [list(row) for row in rows if row[0].startswith("#")]
    for note in notes(heading):
        if note not in comments:
            raise MalformedStatement(f"the bill does not say {note[0]}")
    if list(columns) not in [list(row) for row in rows]:
        raise MalformedStatement("the bill lacks its line of columns")
    at = next(n for n, row in enumerate(rows) if list(row) == list(columns))
    table: list[Sequence[str]] = []
    for row in rows[at + 1 :]:
        if row[0].startswith("#"):
            return table
        table.append(row)
    expect("the end of the table", "a line that begins with #", "nothing")
    return table
