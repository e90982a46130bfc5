"""Writes rows as they come: CSV, and Parquet if `mocklend[data]` is installed. The same rows give the same bytes."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Protocol

from mocklend.dataset.columns import DAY, MOMENT, WHOLE, File
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.storage.statements import Value

AT_ONCE = 10_000
"""Rows that are collected and written together; the last rows of a branch are written with it."""

CSV, PARQUET, BOTH = "csv", "parquet", "both"
FORMATS = {CSV: (CSV,), PARQUET: (PARQUET,), BOTH: (CSV, PARQUET)}
"""The formats, and the suffixes of the files that each writes."""


Cells = Sequence[Value]
"""A row, a cell for each column of its file; None is null."""


class Sink(Protocol):
    """A file that is being written."""

    def write(self, rows: Sequence[Cells]) -> None:
        """Append rows."""

    def close(self) -> None:
        """Finish the file."""


class CsvFile:
    """UTF-8, a header, lines end with LF; an empty field is null, a time is RFC 3339."""

    def __init__(self, path: Path, file: File) -> None:
        self._out = path.open("w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._out, lineterminator="\n")
        self._writer.writerow(column.name for column in file.columns)
        self._moments = [n for n, column in enumerate(file.columns) if column.type == MOMENT]

    def write(self, rows: Sequence[Cells]) -> None:
        """Append rows."""
        for row in rows:
            values = list(row)
            for n in self._moments:
                moment = values[n]
                if isinstance(moment, int):
                    values[n] = rfc3339(moment)
            self._writer.writerow(values)

    def close(self) -> None:
        """Finish the file."""
        self._out.close()


class ParquetFile:
    """One row group per write, with options that do not depend on the machine."""

    def __init__(self, path: Path, file: File) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        types = {WHOLE: pa.int64(), MOMENT: pa.timestamp("ms", tz="UTC"), DAY: pa.date32()}
        self._pa = pa
        self._days = [column.type == DAY for column in file.columns]
        self._schema = pa.schema([(column.name, types.get(column.type, pa.string())) for column in file.columns])
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd", version="2.6")

    def write(self, rows: Sequence[Cells]) -> None:
        """Append rows."""
        columns = [
            [date.fromisoformat(value) if isinstance(value, str) else None for value in column]
            if is_day
            else list(column)
            for column, is_day in zip(zip(*rows, strict=True), self._days, strict=True)
        ]
        arrays = [self._pa.array(column, type=value.type) for column, value in zip(columns, self._schema, strict=True)]
        self._writer.write_table(self._pa.Table.from_arrays(arrays, schema=self._schema))

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()


SINKS: dict[str, type[CsvFile] | type[ParquetFile]] = {CSV: CsvFile, PARQUET: ParquetFile}


class Table:
    """A file of the data set, in every selected format. Collects at most `AT_ONCE` rows."""

    def __init__(self, folder: Path, file: File, format: str) -> None:
        self.file = file
        self.rows = 0
        self.held_max = 0
        self.paths = [folder / f"{file.path}.{suffix}" for suffix in FORMATS[format]]
        with ExitStack() as stack:
            self._sinks: list[Sink] = []
            for path, suffix in zip(self.paths, FORMATS[format], strict=True):
                sink = SINKS[suffix](path, file)
                stack.callback(sink.close)
                self._sinks.append(sink)
            self.closing = stack.pop_all()

    def append(self, rows: Iterable[Cells]) -> None:
        """Append a branch's rows. An empty text is null in every format, since CSV could not distinguish them."""
        held: list[Cells] = []
        for row in rows:
            held.append([None if value == "" else value for value in row])
            if len(held) >= AT_ONCE:
                self._flush(held)
        self._flush(held)

    def _flush(self, held: list[Cells]) -> None:
        self.held_max = max(self.held_max, len(held))
        self.rows += len(held)
        if held:
            for sink in self._sinks:
                sink.write(held)
        held.clear()
