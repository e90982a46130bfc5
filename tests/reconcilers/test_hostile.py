"""With all faults armed, the thorough reconciler finds nearly all breaks and reports few others."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import pytest

from mocklend.client import Doc
from mocklend.scenarios.checks import ALL_LOANS, CHECKERS
from support import hostile, paired_runs

pytestmark = pytest.mark.long

SEEDS = (1, 2)
Scores = Mapping[str, Mapping[str, Any]]
"""Scores by the name of the reconciler."""
FILES = "wrong_statement"


@pytest.fixture(scope="module")
def seasons(mocklend_server: str) -> list[Scores]:
    """The score of each reconciler that runs once at the end of a season, with all faults still armed."""
    told_of: list[Scores] = []
    for seed in SEEDS:
        with paired_runs.story_run(mocklend_server) as run:
            hostile.season(run, seed, people=8, weeks=8)
            # A statement is made, well or badly, when somebody asks for it: all have looked before any is scored.
            findings = {name: [finding.to_json() for finding in look(run.client)] for name, look in CHECKERS.items()}
            now = run.client.clock()["now"]
            told_of.append(
                {name: run.client.score(finding, window={"from": now}) for name, finding in findings.items()}
            )
    return told_of


def test_the_thorough_reconciler_finds_nearly_all_breaks_and_few_others(seasons: list[Scores]) -> None:
    assert min(total(seasons, "thorough")) >= Fraction(95, 100), lost(seasons)


def test_without_the_class_of_wrong_files_it_finds_nearly_all_breaks(seasons: list[Scores]) -> None:
    assert min(total(seasons, "thorough", but=FILES)) >= Fraction(95, 100), lost(seasons)


def test_the_naive_reconciler_misses_most_breaks(seasons: list[Scores]) -> None:
    _, recall = total(seasons, "naive")

    assert recall <= Fraction(1, 2)


def test_reporting_nothing_or_every_loan_scores_far_below_both(seasons: list[Scores]) -> None:
    precision, recall = total(seasons, ALL_LOANS)

    assert total(seasons, "empty") == (Fraction(0), Fraction(0))
    assert precision <= Fraction(1, 20)
    assert recall <= Fraction(1, 2)
    assert all(scores[name]["verdict"] == "FAIL" for scores in seasons for name in ("empty", ALL_LOANS))


def test_each_season_has_breaks_to_find(seasons: list[Scores]) -> None:
    for scores in seasons:
        assert sum(figures["demanded"] for name, figures in scores["empty"]["by_class"].items() if name != FILES) >= 5


def total(seasons: list[Scores], name: str, *, but: str | None = None) -> tuple[Fraction, Fraction]:
    """Precision and recall over the seasons; `but` leaves a class out. Who reports nothing has precision 0."""
    rows = [row for scores in seasons for of, row in scores[name]["by_class"].items() if of != but]
    demanded, reported, wrong = (sum(row[column] for row in rows) for column in ("demanded", "found", "wrong"))
    return Fraction(reported, reported + wrong) if reported else Fraction(0), Fraction(reported, demanded)


def lost(seasons: list[Scores]) -> list[list[Doc]]:
    """The breaks that the thorough reconciler missed and its false findings, for a failure message."""
    names = ("missed", "false_positives", "wrong_class")
    return [scores["thorough"]["lists"][name] for scores in seasons for name in names]
