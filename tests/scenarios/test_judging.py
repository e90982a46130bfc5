"""How good a reconciler was over the moments of a story."""

from __future__ import annotations

from typing import Any

import pytest

from mocklend.scenarios.judging import Judge

A, B, C = ("stale_view", "loan_a"), ("stale_view", "loan_b"), ("wrong_bureau", "loan_a")


@pytest.mark.parametrize(
    ("found", "told", "precision", "recall"),
    [
        ([{A}, set()], [{A}, set()], 1.0, 1.0),
        ([{A, B}], [{A}], 0.5, 1.0),
        ([{A}], [{A, B, C}], 1.0, 0.333),
        ([{C}], [{A}], 0.0, 0.0),
        ([set()], [{A}], 0.0, 0.0),
        ([{A}], [set()], 0.0, None),
        ([set()], [set()], None, None),
        ([{A}, {A}], [{A}, set()], 0.5, 1.0),
    ],
)
def test_a_break_counts_once_at_each_moment(
    found: list[Any], told: list[Any], precision: float | None, recall: float | None
) -> None:
    judge = Judge(found={"thorough": found}, told=told)

    assert judge.score("thorough") == {"precision": precision, "recall": recall}
