"""Makes a data set: one branch after the other, and at the end the manifest, which says that it is complete."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO

from mocklend import __version__
from mocklend.dataset.branch import FIRST_DAY, FIRST_MS
from mocklend.dataset.branches import Season, played
from mocklend.dataset.columns import FILES, KEY, RECONCILER, TYPES
from mocklend.dataset.own_platform import HONEST, ProfileRefused, own_platform
from mocklend.dataset.reading import key_row
from mocklend.dataset.writing import CSV, FORMATS, Table
from mocklend.domain.names import did_you_mean
from mocklend.sandboxes.lifecycle import DEFAULT_ZONE

BRANCH = 1_000
"""Loans per branch: a process has one branch in memory at a time."""
LOANS_MAX, DAYS_MAX, JOBS_MAX = 10_000_000, 1_095, 64
SEED_MAX = 2**63 - 1


class CannotMake(Exception):
    """The data set cannot be made with these options."""


@dataclass(frozen=True, slots=True)
class DatasetOptions:
    """The options of a data set: how many loans and days, the profile of faults, the seed, the format."""

    loans: int
    days: int
    profile: str = HONEST
    seed: int = 7
    format: str = CSV

    def refuse_wrong(self) -> None:
        """Raises CannotMake with a sentence if an option is invalid."""
        for name, value, least, most in (
            ("loans", self.loans, 1, LOANS_MAX),
            ("days", self.days, 1, DAYS_MAX),
            ("seed", self.seed, 0, SEED_MAX),
        ):
            if not least <= value <= most:
                raise CannotMake(f"--{name} is {value}, and should be from {least} to {most}")
        if self.format not in FORMATS:
            meant = did_you_mean(self.format, FORMATS)
            raise CannotMake(f"--format is {self.format!r}, and should be one of {', '.join(FORMATS)}{meant}")
        if self.format != CSV and find_spec("pyarrow") is None:
            raise CannotMake("Parquet needs pyarrow: pip install 'mocklend[data]'")


@dataclass(frozen=True, slots=True)
class Made:
    """What was made: the number of rows of each file, and the most rows that were in memory at once."""

    rows: dict[str, int]
    held_max: int


def make(
    options: DatasetOptions,
    out: Path,
    *,
    progress: Callable[[int], None] = lambda loan_days: None,
    branch_loans: int = BRANCH,
    jobs: int = 1,
) -> Made:
    """Write the data set into a new folder. `progress` is called with loan-days. Raises CannotMake.

    `jobs` processes play branches at the same time. The folder has its name only once it is complete: until then it
    ends in `.part`.
    """
    if not 1 <= jobs <= JOBS_MAX:
        raise CannotMake(f"--jobs is {jobs}, and should be from 1 to {JOBS_MAX}")
    options.refuse_wrong()
    if out.exists():
        raise CannotMake(f"{out} exists already: name a new folder")
    try:
        with own_platform(seed=0, now_ms=FIRST_MS) as probe:
            probe.arm(options.profile)
    except ProfileRefused as refused:
        raise CannotMake(str(refused)) from refused
    part = out.with_name(f"{out.name}.part")
    try:
        part.mkdir(parents=True)
    except FileExistsError as left:
        raise CannotMake(f"{part} exists, from a run that was killed or still runs: remove it first") from left
    except OSError as wrong:
        raise CannotMake(f"{part} cannot be made: {wrong.strerror}") from wrong
    try:
        made = _write(options, part, progress, branch_loans, jobs)
        part.rename(out)
    except OSError as wrong:
        raise CannotMake(f"{out} cannot be written: {wrong.strerror or wrong}") from wrong
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return made


def _write(
    options: DatasetOptions, folder: Path, progress: Callable[[int], None], branch_loans: int, jobs: int
) -> Made:
    season = Season(options.loans, options.days, options.profile, options.seed, branch_loans)
    spool = folder / "playing"
    for name in (RECONCILER, KEY, spool.name):
        (folder / name).mkdir()
    held_max = 0
    with ExitStack() as open_files:
        tables = [Table(folder, file, options.format) for file in FILES]
        for table in tables:
            open_files.push(table.closing)
        lines = open_files.enter_context((folder / KEY / "answer_key.jsonl").open("wb"))
        named = {table.file.name: table for table in tables if table.file.folder == RECONCILER}
        key = next(table for table in tables if table.file.folder == KEY)
        for branch in open_files.enter_context(closing(played(season, spool, jobs, progress))):
            held_max = max(held_max, branch.held)
            for name, parts in groupby(branch.rows(), key=itemgetter(0)):
                named[name].append((branch.number, *row) for _, part in parts for row in part)
            key.append((branch.number, *key_row(line)) for line in _copied(branch.lines(), lines))
    spool.rmdir()
    (folder / "README.md").write_text(_readme(options), encoding="utf-8", newline="\n")
    rows = {table.file.path: table.rows for table in tables}
    _manifest(options, folder, tables)
    return Made(rows, max(held_max, *(table.held_max for table in tables)))


def _copied(lines: Iterator[bytes], file: BinaryIO) -> Iterator[bytes]:
    """Yield lines once they are written to a file."""
    for line in lines:
        file.write(line)
        yield line


def _manifest(options: DatasetOptions, folder: Path, tables: list[Table]) -> None:
    """Write the options, and the hash of every file. Nothing in it depends on when or where it was made."""
    files: dict[str, dict[str, object]] = {}
    for table in tables:
        columns = [asdict(column) for column in table.file.columns]
        for path in table.paths:
            files[path.relative_to(folder).as_posix()] = {
                "rows": table.rows,
                "bytes": path.stat().st_size,
                "sha256": _sha256(path),
                "columns": columns,
            }
    for name in (f"{KEY}/answer_key.jsonl", "README.md"):
        files[name] = {"bytes": (folder / name).stat().st_size, "sha256": _sha256(folder / name)}
    document = {"mocklend": __version__, **asdict(options), "files": files}
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    (folder / "manifest.json").write_text(text, encoding="utf-8", newline="\n")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _readme(options: DatasetOptions) -> str:
    """Return the README: what is in the folder, column by column."""
    season = f"{options.loans} loans over {options.days} days from {FIRST_DAY}, in {DEFAULT_ZONE}"
    lines = [
        "# A season of a lending platform, with the answer key apart",
        "",
        f"{season}; faults: profile `{options.profile}`; seed {options.seed}; made by mocklend {__version__}.",
        "The same command makes the same bytes.",
        "",
        f"`{RECONCILER}/` is what a reconciler gets, `{KEY}/` what it should find.",
        "`manifest.json` has the size and the SHA-256 of every file.",
        "",
        *(f"- *{name}*: {what}" for name, what in TYPES.items()),
        "",
        columns_table(),
    ]
    return "\n".join(lines)


def columns_table() -> str:
    """Return each file and its columns as Markdown."""
    parts = []
    for file in FILES:
        parts += [f"## `{file.path}`", "", f"{file.doc[0].upper()}{file.doc[1:]}.", "", "| column | type | what |"]
        parts += ["| --- | --- | --- |"]
        parts += [f"| `{column.name}` | {column.type} | {column.doc} |" for column in file.columns] + [""]
    return "\n".join(parts).rstrip() + "\n"
