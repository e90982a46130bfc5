"""The statements of a revision that stand as text beside its script, in a file for each engine.

They are separated by blank lines. Such a file is never changed after the release that brought it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path


def statements(script: str | Path, dialect: str) -> Iterator[str]:
    """The statements of a script's file for an engine: `platform_0001.sqlite.sql` beside `platform_0001.py`."""
    text = Path(script).with_suffix(f".{dialect}.sql").read_text(encoding="utf-8")
    yield from (part.strip() for part in text.split("\n\n") if part.strip())
