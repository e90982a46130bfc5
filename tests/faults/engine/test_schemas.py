"""The published schemas of a rule agree with its readers, at the edge of every bound."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from mocklend.domain.problems import Refused
from mocklend.validation import schema_of
from mocklend_faults.engine.catalogue import installed
from mocklend_faults.engine.experiments import Experiment, ExperimentBody
from mocklend_faults.engine.matching import MATCH_SCHEMA, OPERATORS
from mocklend_faults.engine.rules import WITH_SCHEMA, Rule, RuleBody, rule_schema
from support.edges import edges

KINDS = installed()


def accepted(read: Callable[[], object]) -> bool:
    """Whether a reader accepts a value."""
    try:
        read()
    except Refused as refused:
        assert refused.code == "validation_failed", refused.detail
        return False
    return True


@pytest.mark.parametrize("section", ["activate", "select", "expect", "enabled"])
def test_each_part_of_a_rule_is_read_as_its_schema_says(section: str) -> None:
    schema = schema_of(RuleBody)["properties"][section]
    valid = Draft202012Validator(schema)
    verdicts = {True: 0, False: 0}

    for value in edges(schema):
        if "schedule" in str(value):
            continue  # A cron expression is more than its schema can say.
        raw = {"fault": "cache.bounded_stale", section: value}
        says = valid.is_valid(value)
        assert accepted(lambda raw=raw: Rule.from_json("one", raw, KINDS)) is says, (section, value)  # type: ignore[misc]
        verdicts[says] += 1

    assert min(verdicts.values()) > 0


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_settings_of_each_kind_are_read_as_their_schema_says(kind: str) -> None:
    schema = {"anyOf": [KINDS[kind].settings_schema(), {"type": "null"}]}  # Null: the kind's defaults.
    valid = Draft202012Validator(schema)

    for value in edges(schema):
        says = valid.is_valid(value)
        read = lambda value=value: Rule.from_json("one", {"fault": kind, "with": value}, KINDS)  # noqa: E731
        assert accepted(read) is says, (kind, value)


@pytest.mark.parametrize("operator", sorted(OPERATORS))
def test_each_operator_is_read_as_its_schema_says(operator: str) -> None:
    valid = Draft202012Validator(MATCH_SCHEMA)

    fitting: dict[str, list[Any]] = {"channel": ["wallet", ["wallet"], "x" * 201], "amount_minor": [5, [5]]}

    for field, values in fitting.items():
        for operand in (*values, True, False, None, [], {"gte": 1}, 2**63):
            match = {field: {operator: operand}}
            raw = {"fault": "callback.dropped", "match": match}
            if accepted(lambda raw=raw: Rule.from_json("one", raw, KINDS)):  # type: ignore[misc]
                assert valid.is_valid(match), match  # What fits which field only the seam knows.
    assert not valid.is_valid({"channel": {"like": "w"}})


@pytest.mark.parametrize(
    "stages",
    [
        [],
        [{"name": "calm"}],
        [{"name": "calm", "duration_s": 0}],
        [{"name": "calm", "duration_s": 1}],
        [{"name": "Calm", "duration_s": 1}],
        [{"name": "calm", "duration_s": 1, "rules": None, "profile": None}],
        [{"name": "calm", "duration_s": 1, "rules": {"one": {"fault": "callback.dropped"}}}],
        [{"name": "calm", "duration_s": 1, "rules": {"one": {}}}],
        [{"name": "calm", "duration_s": 1, "profile": "hostile"}],
        [{"name": "calm", "duration_s": 1, "colour": "red"}],
        [{"name": f"s{n}", "duration_s": 1} for n in range(50)],
        [{"name": f"s{n}", "duration_s": 1} for n in range(51)],
    ],
)
def test_stages_are_read_as_their_schema_says(stages: list[dict[str, object]]) -> None:
    says = Draft202012Validator(schema_of(ExperimentBody)).is_valid({"stages": stages})

    assert accepted(lambda: Experiment.from_json("storm", {"stages": stages}, KINDS)) is says


def test_a_rule_with_another_kinds_settings_is_invalid() -> None:
    valid = Draft202012Validator(rule_schema(KINDS))

    assert valid.is_valid({"fault": "cache.bounded_stale", "with": {"lag_s": 60}})
    assert not valid.is_valid({"fault": "callback.dropped", "with": {"lag_s": 60}})
    assert not valid.is_valid({"fault": "cashe_lag"})


def test_every_schema_is_a_valid_json_schema() -> None:
    for schema in (rule_schema(KINDS), schema_of(ExperimentBody), WITH_SCHEMA):
        Draft202012Validator.check_schema(schema)
