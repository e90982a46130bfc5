"""Plays branches, some at a time, and returns their rows in order: the number of processes changes no byte.

process 1   branch 0 ─▶ 0.rows          branch 2 ─▶ 2.rows        each file is read, and removed, in the order process 2
branch 1 ─▶ 1.rows          branch 3 ─▶ …        of the branches; few wait at one time
"""

from __future__ import annotations

import multiprocessing
import pickle
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from mocklend.dataset.branch import FIRST_MS, Branch, seed_of
from mocklend.dataset.own_platform import own_platform
from mocklend.dataset.reading import READ, Row
from mocklend.dataset.story import story

AT_ONCE = 1_000
"""Rows that are written together."""
WAITING = 2
"""How many branches a process may be ahead of the writing."""


@dataclass(frozen=True, slots=True)
class Season:
    """What all branches have in common."""

    loans: int
    days: int
    profile: str
    seed: int
    branch_loans: int

    @property
    def branches(self) -> int:
        """The number of branches."""
        return -(-self.loans // self.branch_loans)

    def numbers(self, branch: int) -> range:
        """Return the numbers of a branch's loans."""
        return range(branch * self.branch_loans, min((branch + 1) * self.branch_loans, self.loans))


@dataclass(frozen=True, slots=True)
class Played:
    """A branch that was played: its rows and the lines of its answer key are in files until they are read."""

    number: int
    loan_days: int
    held: int
    rows_path: Path
    lines_path: Path

    def rows(self) -> Iterator[tuple[str, list[Row]]]:
        """Yield rows in groups, with the name of their file. Once only: then the file is deleted."""
        with self.rows_path.open("rb") as file:
            while file.peek(1):
                yield pickle.load(file)
        self.rows_path.unlink()

    def lines(self) -> Iterator[bytes]:
        """Yield the lines of the answer key, each with its line end. Once only: then the file is deleted."""
        with self.lines_path.open("rb") as file:
            yield from file
        self.lines_path.unlink()


def played(season: Season, folder: Path, jobs: int, progress: Callable[[int], None]) -> Generator[Played]:
    """Yield every branch in order. `progress` gets loan-days: per day, or per branch with several processes."""
    if jobs == 1:
        for number in range(season.branches):
            yield play(season, number, folder, progress)
        return
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        numbers = iter(range(season.branches))
        try:
            running = deque(pool.submit(play, season, n, folder) for n in islice(numbers, jobs * WAITING))
            while running:
                branch = running.popleft().result()
                running.extend(pool.submit(play, season, n, folder) for n in islice(numbers, 1))
                progress(branch.loan_days)
                yield branch
        finally:
            pool.shutdown(cancel_futures=True)


def play(season: Season, number: int, folder: Path, progress: Callable[[int], None] = lambda loan_days: None) -> Played:
    """Play one branch on a platform of its own, and write its rows and the lines of its answer key to files."""
    rows_path, lines_path = folder / f"{number}.rows", folder / f"{number}.lines"
    numbers = season.numbers(number)
    with own_platform(seed=seed_of(season.seed, number), now_ms=FIRST_MS) as platform:
        platform.arm(season.profile)
        branch = Branch(platform, number, [story(season.seed, n, season.days) for n in numbers], season.days)
        branch.play(progress)
        with platform.runtime.snapshot(branch.id) as snapshot, rows_path.open("wb") as file:
            for name, read in READ.items():
                _spool(file, name, read(branch, snapshot))
        with lines_path.open("wb") as file:
            file.writelines(line + b"\n" for line in platform.answer_key())
    return Played(number, len(numbers) * season.days, sum(map(len, branch.pages.values())), rows_path, lines_path)


def _spool(file: BinaryIO, name: str, rows: Iterable[Row]) -> None:
    rest = iter(rows)
    while part := list(islice(rest, AT_ONCE)):
        pickle.dump((name, part), file, protocol=pickle.HIGHEST_PROTOCOL)
