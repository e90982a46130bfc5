"""Where everything goes wrong at once, the thorough reconciler still finds nearly all of it, and hardly anything else."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from mocklend.reconcilers import naive, thorough

for folder in (Path(__file__).resolve().parent, Path(__file__).resolve().parents[1] / "faults"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

import hostile  # noqa: E402
import twins  # noqa: E402

SEEDS = (1, 2)
Breaks = Counter[tuple[str, str]]


@pytest.fixture(scope="module")
def seasons(mocklend_server: str) -> list[tuple[Breaks, Breaks, Breaks]]:
    """What each season's answer key expects, and what the thorough and the naive one find, all faults still armed."""
    told_of = []
    for seed in SEEDS:
        with twins.telling(mocklend_server) as told:
            hostile.season(told, seed, people=8, weeks=8)
            found = _found(thorough, told)  # A statement is made, well or badly, when somebody asks for it.
            key = told.client.answer_key(status="active")["entries"]
            expected = Counter((one["expected"]["class"], one["expected"]["entity"]) for one in key)
            told_of.append((expected, found, _found(naive, told)))
    return told_of


def test_the_thorough_one_finds_nearly_all_and_hardly_anything_else(seasons: Any) -> None:
    hits = sum(((expected & found).total() for expected, found, _ in seasons), 0)

    assert hits >= 0.95 * sum(expected.total() for expected, _, _ in seasons), seasons
    assert hits >= 0.95 * sum(found.total() for _, found, _ in seasons), seasons


def test_beside_the_many_files_that_are_wrong_it_finds_nearly_all_the_rest(seasons: Any) -> None:
    rest = [(_without_files(expected), _without_files(found)) for expected, found, _ in seasons]
    hits = sum((expected & found).total() for expected, found in rest)

    assert hits >= 0.95 * sum(expected.total() for expected, _ in rest), seasons
    assert hits >= 0.95 * sum(found.total() for _, found in rest), seasons


def test_the_naive_one_misses_most_of_it(seasons: Any) -> None:
    hits = sum(((expected & found).total() for expected, _, found in seasons), 0)

    assert hits <= 0.5 * sum(expected.total() for expected, _, _ in seasons), seasons


def test_there_was_something_to_find(seasons: Any) -> None:
    assert all(_without_files(expected).total() >= 5 for expected, _, _ in seasons)


def _without_files(breaks: Breaks) -> Breaks:
    return Counter({(kind, entity): times for (kind, entity), times in breaks.items() if kind != "wrong_statement"})


def _found(reconciler: Any, told: Any) -> Breaks:
    return Counter((one.finding_class, one.entity) for one in reconciler.reconcile(told.client))
