"""Files of the answer key for data work: JSON Lines, and Parquet if `mocklend[data]` is installed.

Both are written while they are read, so that memory stays bounded, and get their name only once they are complete. The
same seed and the same story give the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from mocklend.domain.names import did_you_mean

AT_ONCE = 10_000
"""Rows of a row group of a Parquet file, which is written at once."""

_TEXTS = ("injection", "rule", "fault", "seam", "entity", "loan_id", "effect", "currency", "status", "status_reason")
_NUMBERS = ("occurrence", "amount_minor")
_MOMENTS = ("at", "visible_from", "visible_until", "ended_at")


class CannotExport(Exception):
    """The file cannot be written: its format is unknown, or needs a package that is not installed."""


def export(lines: Iterable[bytes], path: Path) -> int:
    """Write an answer key from lines of JSON, in the format of the file's suffix. Returns the number of entries."""
    write = WRITERS.get(path.suffix)
    if write is None:
        raise CannotExport(f"{path.name} should end in one of {', '.join(WRITERS)}{did_you_mean(path.suffix, WRITERS)}")
    part = path.with_name(f"{path.name}.part")
    try:
        written = write(lines, part)
        part.replace(path)
    except OSError as failure:
        if failure.errno is None:
            raise  # The platform has gone away; it is not the disk.
        raise CannotExport(f"{path} cannot be written: {failure.strerror}") from failure
    finally:
        part.unlink(missing_ok=True)
    return written


def row_of(entry: dict[str, Any]) -> dict[str, Any]:
    """Convert an entry of the answer key into a row: times parsed, `expected` flattened, free-form values as JSON."""
    expected = entry["expected"]
    return {
        **{name: entry[name] for name in (*_TEXTS, *_NUMBERS)},
        **{name: entry[name] and datetime.fromisoformat(entry[name]) for name in _MOMENTS},
        "truth_before": _json(entry["truth"]["before"]),
        "truth_after": _json(entry["truth"]["after"]),
        "served": _json(entry["served"]),
        "expected_class": expected["class"],
        "expected_entity": expected["entity"],
        "expected_amount_minor": expected["amount_minor"],
        "expected_severity": expected.get("severity"),
    }


def _write_jsonl(lines: Iterable[bytes], path: Path) -> int:
    written = 0
    with path.open("wb") as file:
        for line in lines:
            file.write(line + b"\n")
            written += 1
    return written


def _write_parquet(lines: Iterable[bytes], path: Path) -> int:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as missing:
        raise CannotExport("Parquet needs pyarrow: pip install 'mocklend[data]'") from missing
    schema = pa.schema(
        [
            *((name, pa.string()) for name in _TEXTS),
            *((name, pa.int64()) for name in _NUMBERS),
            *((name, pa.timestamp("ms", tz="UTC")) for name in _MOMENTS),
            *((name, pa.string()) for name in ("truth_before", "truth_after", "served")),
            *((name, pa.string()) for name in ("expected_class", "expected_entity")),
            ("expected_amount_minor", pa.int64()),
            ("expected_severity", pa.string()),
        ]
    )
    written = 0
    with pq.ParquetWriter(path, schema) as file:
        for rows in _groups(row_of(json.loads(line)) for line in lines):
            file.write_table(pa.Table.from_pylist(rows, schema=schema))
            written += len(rows)
    return written


def _groups(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while group := list(islice(rows, AT_ONCE)):
        yield group


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


WRITERS: dict[str, Callable[[Iterable[bytes], Path], int]] = {".jsonl": _write_jsonl, ".parquet": _write_parquet}
"""The function that writes a file, by its suffix."""
