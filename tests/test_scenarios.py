"""Scenarios: every one that ships is as told; one that is not says so; a text that cannot be told is refused."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from importlib.metadata import entry_points

import pytest
import yaml

from mocklend import scenarios
from mocklend.scenarios import Scenario, ScenarioError, read, run

needs_install = pytest.mark.skipif(
    not entry_points(group=scenarios.GROUP), reason="scenarios are found by entry point: install mocklend first"
)

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


@needs_install
@pytest.mark.parametrize("name", sorted(scenarios.scenarios()))
def test_every_scenario_that_ships_is_as_told(name: str) -> None:
    out = io.StringIO()

    code = run(scenarios.scenarios()[name], as_json=True, out=out)

    told = json.loads(out.getvalue())
    assert (code, told["as_told"]) == (0, True), told.get("surprise")
    assert told["audit"]["clean"]
    assert all(entry["status"] != "active" for entry in told["answer_key"])


@needs_install
def test_the_article_is_among_them() -> None:
    assert "settled-shown-unpaid" in scenarios.scenarios()


@needs_install
def test_a_claim_that_does_not_hold_ends_the_story_and_shows_in_the_exit_code() -> None:
    story = short()
    chapter = dict(story.chapters[0])
    chapter["steps"] = [{**chapter["steps"][0], "expect": {"name": "Bob"}}]
    out = io.StringIO()

    code = run(replace(story, chapters=(chapter,)), out=out)

    assert code == 1
    assert "✗ Ada: name is Bob: expected 'Bob', got 'Ada'" in out.getvalue()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"moral": "none"}, "unknown moral"),
        ({"chapters": [{"title": "t", "story": "s"}]}, "chapter 1: steps missing"),
        ({"chapters": [{"title": "t", "story": "s", "steps": [{"do": "fly"}]}]}, "the client cannot 'fly'"),
        ({"chapters": [{"title": "t", "story": "s", "steps": [{"do": "_call"}]}]}, "the client cannot '_call'"),
        ({"chapters": [{"title": "t", "story": "s", "steps": [{"do": "clock", "wit": {}}]}]}, "unknown wit"),
    ],
)
def test_a_text_that_cannot_be_told_says_where_and_why(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ScenarioError, match=said):
        short(**changes)


def test_what_is_no_yaml_is_refused() -> None:
    with pytest.raises(ScenarioError, match=r"short\.yaml"):
        read("{", "short.yaml")
