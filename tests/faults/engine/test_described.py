"""What a kind says of itself: its place in the chain, the JSON Schema of its settings, on what a rule may match."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from mocklend.seams import SEAM_EDGES
from mocklend_faults.engine.catalogue import installed
from mocklend_faults.engine.described import KindDoc, MatchFieldDoc, describe, texts
from mocklend_faults.engine.fault import VIEWS
from mocklend_faults.engine.matching import Match

KINDS = installed()


@pytest.fixture
def kinds() -> dict[str, KindDoc]:
    return {name: describe(kind) for name, kind in KINDS.items()}


def fields(kind: KindDoc) -> dict[str, MatchFieldDoc]:
    return {field["name"]: field for field in kind["match"]}


def test_a_setting_has_its_type_bounds_default_unit_and_title(kinds: dict[str, KindDoc]) -> None:
    stale = kinds["cache.bounded_stale"]

    assert stale["settings"] == [
        {
            "name": "lag_s",
            "title": "Lag",
            "type": "integer from 1 to 31536000",
            "unit": "s",
            "default": 60,
            "doc": "How long the page lags behind the books, in seconds.",
        }
    ]
    assert stale["schema"] == {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "lag_s": {
                "type": "integer",
                "minimum": 1,
                "maximum": 31_536_000,
                "default": 60,
                "unit": "s",
                "title": "Lag",
                "description": "How long the page lags behind the books, in seconds.",
            }
        },
    }


def test_a_setting_that_may_be_null_says_so_in_its_schema(kinds: dict[str, KindDoc]) -> None:
    lost = kinds["callback.dropped"]["schema"]["properties"]["attempts_lost"]

    assert (lost["title"], lost["default"]) == ("Attempts lost", None)
    assert [option["type"] for option in lost["anyOf"]] == ["integer", "null"]


@pytest.mark.parametrize("name", sorted(KINDS))
def test_the_schema_of_each_kind_accepts_its_defaults_and_no_other_field(name: str) -> None:
    kind = describe(KINDS[name])
    valid = Draft202012Validator(kind["schema"])

    assert valid.is_valid({setting["name"]: setting["default"] for setting in kind["settings"]})
    assert not valid.is_valid({"colour": "red"})


@pytest.mark.parametrize("name", sorted(KINDS))
def test_each_kind_acts_at_one_edge_of_the_chain_and_is_seen_in_known_views(name: str) -> None:
    kind = describe(KINDS[name])

    assert {SEAM_EDGES[seam] for seam in kind["seams"]} == {kind["edge"]}
    assert kind["symptom"].keys() <= VIEWS.keys()
    assert all(kind[text] for text in ("title", "summary", "story", "precondition", "heals", "action"))


def test_a_title_names_one_kind_and_is_short(kinds: dict[str, KindDoc]) -> None:
    titles = [kind["title"] for kind in kinds.values()]

    assert len(set(titles)) == len(titles)
    assert max(map(len, titles)) <= 40


def test_a_field_to_match_on_has_its_type_and_its_choices(kinds: dict[str, KindDoc]) -> None:
    callback, page = fields(kinds["callback.dropped"]), fields(kinds["cache.bounded_stale"])

    assert callback["channel"]["choices"] == ["auto_debit", "bank_card", "bank_transfer", "bill_pay", "wallet"]
    assert (callback["amount_minor"]["type"], callback["amount_minor"]["unit"]) == ("integer", "minor")
    assert {"gte", "matches"} & set(callback["amount_minor"]["operators"]) == {"gte"}
    assert "CLEAR" in page["before.status"]["choices"]
    assert "lag_s" not in page, "what the fault itself changes"


@pytest.mark.parametrize("name", sorted(KINDS))
def test_a_rule_may_match_on_each_field_with_each_of_its_operators(name: str) -> None:
    kind = describe(KINDS[name])
    operands: dict[str, Any] = {"in": ["1"], "not_in": ["1"], "absent": True, "present": True}

    for field in kind["match"]:
        for operator in field["operators"]:
            operand = operands.get(operator, "1")
            if field["type"] == "integer" and operator not in ("absent", "present"):
                operand = [1] if isinstance(operand, list) else 1
            Match.from_json({field["name"]: {operator: operand}}, KINDS[name].seams())


def test_every_text_of_a_kind_passes_through_the_reader_s_language() -> None:
    kind = KINDS["callback.dropped"]
    shouted = describe(kind, str.upper)

    assert shouted["title"] == "A CALLBACK IS LOST"
    assert shouted["schema"]["properties"]["attempts_lost"]["title"] == "ATTEMPTS LOST"
    assert {shouted["story"], shouted["symptom"]["books"], shouted["action"]} <= set(map(str.upper, texts(kind)))


def test_a_story_has_no_line_breaks_but_between_paragraphs(kinds: dict[str, KindDoc]) -> None:
    assert all("\n" not in kind["story"].replace("\n\n", "") for kind in kinds.values())
