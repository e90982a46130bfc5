"""The JSON Schema of scenarios: what editors are told is what the reader takes.

`.venv/bin/python tests/scenarios/test_schema.py` writes it beside the scenarios that ship, for an editor.
"""

from __future__ import annotations

import copy
import json
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from mocklend.cli import app
from mocklend.client import Doc
from mocklend.scenarios.schema import FILE, as_text, schema
from mocklend.scenarios.skeleton import skeleton
from mocklend.scenarios.text import ScenarioError, read
from mocklend_faults.engine.catalogue import installed
from mocklend_faults.engine.rules import rule_schema

SHIPPED = Path(str(resources.files("mocklend_faults.scenarios")))
STORIES = sorted(SHIPPED.glob("*.yaml"))


def with_all_kinds() -> str:
    """The schema with the kinds of fault that are installed, as text."""
    return as_text(schema(rule_schema(installed())))


@pytest.fixture
def whole() -> Draft202012Validator:
    """The schema that the command prints."""
    document = json.loads(CliRunner().invoke(app, ["scenario", "schema"]).stdout)
    Draft202012Validator.check_schema(document)
    return Draft202012Validator(document)


@pytest.fixture
def story() -> Doc:
    """A scenario that both take, to be spoilt."""
    scenario: dict[str, Any] = yaml.safe_load(skeleton("late-page", "late-page.yaml"))
    return scenario


def test_the_command_prints_the_schema_with_every_kind() -> None:
    printed = CliRunner().invoke(app, ["scenario", "schema"])

    assert printed.exit_code == 0
    assert json.loads(printed.stdout) == json.loads(with_all_kinds())


@pytest.mark.parametrize("file", STORIES, ids=lambda file: file.stem)
def test_every_shipped_scenario_is_valid_and_names_the_schema(file: Path, whole: Draft202012Validator) -> None:
    text = file.read_text(encoding="utf-8")

    assert text.startswith(f"# yaml-language-server: $schema={FILE}\n")
    assert [error.message for error in whole.iter_errors(yaml.safe_load(text))] == []


def test_a_new_scenario_is_valid_and_names_the_schema(story: dict[str, object], whole: Draft202012Validator) -> None:
    assert skeleton("late-page", "late-page.yaml").startswith(f"# yaml-language-server: $schema={FILE}\n")
    assert whole.is_valid(story)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("chapter",), 1),
        (("seed",), "7"),
        (("chapters",), {}),
        (("sandbox",), {"colour": "red"}),
        (("open_end",), "yes"),
        (("expected_score",), {"naive": {"precision": 1}}),
        (("expected_score",), {"nobody": {"precision": 1, "recall": 1}}),
        (("chapters", 0, "titel"), "late"),
        (("chapters", 0, "lies"), "one"),
        (("chapters", 0, "rules"), []),
        (("chapters", 0, "reconcile"), {"naive": [{"class": "stale_view"}]}),
        (("chapters", 0, "steps", 0, "do"), "add_borower"),
        (("chapters", 0, "steps", 0, "do"), "__init__"),
        (("chapters", 0, "steps", 0, "with"), "ada"),
        (("chapters", 0, "steps", 0, "expects"), {}),
    ],
)
def test_what_the_reader_refuses_is_invalid(
    story: dict[str, object], whole: Draft202012Validator, path: tuple[str | int, ...], value: object
) -> None:
    spoilt: Any = copy.deepcopy(story)
    inner = spoilt
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value

    with pytest.raises(ScenarioError):
        read(yaml.safe_dump(spoilt), "spoilt.yaml")
    assert not whole.is_valid(spoilt)


def test_a_setting_that_the_kind_does_not_have_is_invalid(story: Doc, whole: Draft202012Validator) -> None:
    story["chapters"][0]["rules"] = {"late-page": {"fault": "cache.bounded_stale", "with": {"lag": 60}}}

    [error] = whole.iter_errors(story)

    assert list(error.absolute_path) == ["chapters", 0, "rules"]
    [of_the_rules] = [item for item in error.context if "given schemas" in item.message]
    [of_the_rule] = [error for error in of_the_rules.context if error.validator != "type"]
    assert "'lag' was unexpected" in str(of_the_rule.context)


if __name__ == "__main__":
    (SHIPPED / FILE).write_text(with_all_kinds(), encoding="utf-8")
