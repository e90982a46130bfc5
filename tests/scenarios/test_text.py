"""The text of a scenario: one that cannot be told is refused, and it is said where and why."""

from __future__ import annotations

import pytest
import yaml

from mocklend.scenarios import Scenario, ScenarioError, read

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
    ("changes", "said"),
    [
        ({"moral": "none"}, "unknown moral"),
        ({"chapters": [{"title": "t", "story": "s"}]}, "chapter 1: steps missing"),
        ({"chapters": [{"title": "t", "story": "s", "steps": [{"do": "fly"}]}]}, "the client cannot 'fly'"),
        ({"chapters": [{"title": "t", "story": "s", "steps": [{"do": "_call"}]}]}, "the client cannot '_call'"),
        ({"chapters": {}}, "chapters: expected a list"),
        ({"chapters": ["once"]}, "chapter 1: expected a mapping"),
        ({"sandbox": {"seed": 7}}, "sandbox: unknown seed"),
        ({"expected_score": {"clever": {"precision": 1, "recall": 1}}}, "unknown clever"),
        ({"expected_score": {"naive": {"precision": 1}}}, "naive: recall missing"),
        ({"expected_score": {"naive": {"precision": 1, "recall": 1, "luck": 1}}}, "naive: unknown luck"),
        (
            {"chapters": [{"title": "t", "story": "s", "steps": [], "reconcile": {"naive": [{"entity": "x"}]}}]},
            "class missing",
        ),
        ({"chapters": [{"title": "t", "story": "s", "steps": [{"do": "clock", "wit": {}}]}]}, "unknown wit"),
    ],
)
def test_a_text_that_cannot_be_told_says_where_and_why(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ScenarioError, match=said):
        short(**changes)


def test_what_is_no_yaml_is_refused() -> None:
    with pytest.raises(ScenarioError, match=r"short\.yaml"):
        read("{", "short.yaml")
