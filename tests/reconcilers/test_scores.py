"""The reference reconcilers, scored over every kind's lesson: `thorough` finds all, `naive` finds less."""

from __future__ import annotations

from fractions import Fraction

import pytest

from mocklend.reconcilers.named import SHIPPED
from mocklend_faults.engine.catalogue import installed
from support import paired_runs

KINDS = sorted(installed())


@pytest.mark.long
@pytest.mark.parametrize("fault", KINDS)
def test_the_thorough_reconciler_has_a_full_score(fault: str, mocklend_server: str) -> None:
    scores = paired_runs.scored(fault, mocklend_server)["thorough"]

    assert (scores["verdict"], scores["precision"], scores["recall"]) in (
        ("PASS", 1.0, 1.0),
        # The platform withstands this kind, or one answer was wrong: there is nothing that anybody should find.
        ("INCONCLUSIVE", None, None),
    ), scores["reasons"]
    assert scores["counts"]["demanded"] or scores["verdict"] == "INCONCLUSIVE"
    assert scores["counts"]["harmful_repairs"] == 0


@pytest.mark.long
def test_the_naive_reconciler_has_a_lower_score_over_all(mocklend_server: str) -> None:
    scores = {name: [paired_runs.scored(fault, mocklend_server)[name]["counts"] for fault in KINDS] for name in SHIPPED}

    recall = {
        name: Fraction(sum(entry["true_positives"] for entry in score), sum(entry["demanded"] for entry in score))
        for name, score in scores.items()
    }

    assert recall["thorough"] == 1
    assert recall["naive"] < Fraction(1, 2)
