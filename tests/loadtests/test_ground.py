"""scripts/ground: the result of a part fails for a forbidden answer, for a loss and for a duplicate."""

from __future__ import annotations

from collections import Counter
from typing import Any

import ground
import pytest
from ground_crowd import Crowd
from ground_result import FAIL, INCONCLUSIVE, PASS, SKIPPED, PartResult
from ground_storage import judge

from mocklend.client import Doc


def good_part(**more: object) -> PartResult:
    """A part that went as it should."""
    figures: dict[str, Any] = {
        "answers": Counter({"202": 3, "503": 40}),
        "acknowledged": 9,
        "recovery_s": 0.8,
        "cpu_ms_per_refused": 2.5,
        "slowest_refused_s": 5.1,
        "log_lines": 3,
    }
    return PartResult("locked", **(figures | more))


def judged(log: str = "", **more: object) -> str:
    sample = good_part(**more)
    judge(sample, log)
    return sample.outcome


def test_a_part_with_503_refusals_only_passes() -> None:
    assert judged() == PASS


@pytest.mark.parametrize(
    "figures",
    [
        {"answers": Counter({"500": 1, "503": 40})},
        {"answers": Counter({"none": 1, "503": 40})},
        {"lost": 1},
        {"doubled": 1},
        {"recovery_s": 30.0},
        {"cpu_ms_per_refused": 1_500.0},
        {"slowest_refused_s": 40.0},
        {"log_lines": 1_800},
        {"log": "error a request failed trace=…"},
        {"log": "Traceback (most recent call last):"},
    ],
)
def test_each_figure_out_of_bounds_fails_the_part(figures: Doc) -> None:
    assert judged(**figures) == FAIL


def test_a_part_without_a_refusal_or_an_acknowledgement_is_inconclusive() -> None:
    assert judged(answers=Counter({"200": 5})) == INCONCLUSIVE
    assert judged(acknowledged=0) == INCONCLUSIVE


def test_one_part_that_fails_fails_the_run_and_one_that_is_skipped_does_not() -> None:
    good, bad, doubtful, skipped = (
        good_part(),
        good_part(failures=["x"]),
        good_part(doubts=["x"]),
        good_part(skipped="no root"),
    )

    assert [item.outcome for item in (good, bad, doubtful, skipped)] == [PASS, FAIL, INCONCLUSIVE, SKIPPED]
    assert ground.verdict([good, skipped]) == PASS
    assert ground.verdict([good, bad, doubtful]) == FAIL
    assert ground.verdict([good, doubtful]) == INCONCLUSIVE
    assert ground.verdict([skipped]) == INCONCLUSIVE


def test_a_part_that_is_unknown_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        ground.main(["earthquake"])

    assert left.value.code == 2
    assert "known: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("there", "came_to"),
    [
        (["a", "b"], (0, 0)),
        (["a"], (1, 0)),
        (["a", "b", "b"], (0, 1)),
        (["a", "b", "c"], (0, 1)),  # The same key was carried out twice: its client knows of one of them.
        ([], (2, 0)),
    ],
)
def test_listed_repayments_are_compared_with_acknowledged_ones(
    there: list[str], came_to: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd = Crowd("http://nowhere.invalid", clients=0)
    crowd.acknowledged = {"loan": ["a", "b"]}
    monkeypatch.setattr(crowd, "_listed", lambda loan: there)

    assert crowd.lost_and_doubled() == came_to
