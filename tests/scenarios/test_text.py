"""The text of a scenario: an invalid one is refused with the place and the reason."""

from __future__ import annotations

import pytest
import yaml

from mocklend.scenarios.text import Scenario, ScenarioError, read

SHORT = """
name: short
title: A short story
story: Ada becomes a borrower.
seed: 7
starts: "2026-01-05T02:00:00Z"
chapters:
  - title: Ada
    story: She says who she is.
    steps:
      - {who: Ada, do: add_borrower, with: {reference: ada, name: Ada}, as: ada, expect: {name: Ada}}
      - {do: borrower, with: {borrower_id: $ada.id}, expect: {reference: $ada.reference}}
"""


def short(**changes: object) -> Scenario:
    """The short story, with something else in its text."""
    return read(yaml.safe_dump({**yaml.safe_load(SHORT), **changes}), "short.yaml")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"moral": "none"}, "moral: expected no field but name"),
        ({"chapters": [{"title": "t", "story": "s"}]}, "chapter 1, steps: expected a value"),
        (
            {"chapters": [{"title": "t", "story": "s", "steps": [{"do": "fly"}]}]},
            "chapter 1, step 1, do: expected one of",
        ),
        (
            {"chapters": [{"title": "t", "story": "s", "steps": [{"do": "_call"}]}]},
            "chapter 1, step 1, do: expected one of",
        ),
        ({"chapters": {}}, "chapters: expected an array"),
        ({"chapters": ["once"]}, "chapter 1: expected an object"),
        ({"sandbox": {"seed": 7}}, "sandbox, seed: expected no field but zone"),
        (
            {"expected_score": {"clever": {"precision": 1, "recall": 1}}},
            "expected_score, clever: expected no field but",
        ),
        ({"expected_score": {"naive": {"precision": 1}}}, "naive, recall: expected a value"),
        ({"expected_score": {"naive": {"precision": 1, "recall": 1, "luck": 1}}}, "naive, luck: expected no field but"),
        (
            {"chapters": [{"title": "t", "story": "s", "steps": [], "reconcile": {"naive": [{"entity": "x"}]}}]},
            "class: expected a value",
        ),
        (
            {"chapters": [{"title": "t", "story": "s", "steps": [{"do": "clock", "wit": {}}]}]},
            "step 1, wit: expected no field but",
        ),
    ],
)
def test_an_invalid_scenario_text_is_refused_with_place_and_reason(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        short(**changes)


def test_a_text_that_is_not_yaml_is_refused() -> None:
    with pytest.raises(ScenarioError, match=r"short\.yaml"):
        read("{", "short.yaml")


def test_an_unquoted_time_is_read_as_text() -> None:
    unquoted = SHORT.replace('"2026-01-05T02:00:00Z"', "2026-01-05T02:00:00Z").replace(
        "name: Ada}, as", "name: 10:00}, as"
    )

    scenario = read(unquoted, "short.yaml")

    assert scenario.starts == "2026-01-05T02:00:00Z"
    assert scenario.chapters[0]["steps"][0]["with"]["name"] == "10:00"


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"name": 600}, "name"),
        ({"title": ["a"]}, "title"),
        ({"story": {"a": 1}}, "story"),
        ({"seed": True}, "seed"),
        ({"seed": "7"}, "seed"),
        ({"starts": 600}, "starts"),
        ({"open_end": "no"}, "open_end"),
        ({"chapters": [{"title": 1, "story": "a", "steps": []}]}, "chapter 1, title"),
        ({"chapters": [{"title": "a", "story": "a", "steps": [], "rules": ["x"]}]}, "chapter 1, rules"),
        ({"chapters": [{"title": "a", "story": "a", "steps": [], "lies": "1"}]}, "chapter 1, lies"),
        ({"chapters": [{"title": "a", "story": "a", "steps": [{"do": "clock", "with": []}]}]}, "step 1, with"),
        ({"chapters": [{"title": "a", "story": "a", "steps": [{"do": "clock", "expect": 5}]}]}, "step 1, expect"),
        ({"chapters": [{"title": "a", "story": "a", "steps": [{"do": 600}]}]}, "step 1, do"),
    ],
)
def test_a_value_of_another_kind_is_refused_with_its_place(changes: dict[str, object], where: str) -> None:
    with pytest.raises(ScenarioError, match=f"{where}: expected"):
        short(**changes)
