"""Which rules are candidates for an event, and that skipped rules are counted and explained like the others."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from mocklend.client import Doc
from mocklend.seams.view_refresh import ViewRefresh
from mocklend_faults.engine.catalogue import installed
from mocklend_faults.engine.rule_index import RuleIndex
from mocklend_faults.engine.rules import Rule
from support.events import example

SEAM = "view.refresh"


def rule(id: str, match: Mapping[str, object], **more: object) -> Rule:
    return Rule.from_json(id, {"fault": "cache.bounded_stale", "match": match, **more}, installed())


def candidates_of(*rules: Rule) -> list[str]:
    return [candidate.rule.id for candidate in RuleIndex(SEAM, rules, version=1).candidates(example(ViewRefresh))]


def test_a_rule_is_a_candidate_for_the_values_it_names() -> None:
    loan = example(ViewRefresh).loan_id
    about, among = rule("b", {"loan_id": loan}), rule("a", {"loan_id": {"in": ["loan_x", loan]}})

    assert candidates_of(about, rule("c", {"loan_id": "loan_x"}), among) == ["a", "b"]


@pytest.mark.parametrize(
    ("match", "more"),
    [
        ({}, {}),
        ({"loan_id": {"not_equal_to": "loan_x"}}, {}),
        ({"lag_s": 9}, {}),  # An earlier rule may make it so.
        ({"now_ms": 9}, {}),
        ({"loan_id": "loan_x"}, {"activate": {"duration_s": 60}}),
        ({"loan_id": "loan_x"}, {"activate": {"start_delay_s": 60}}),
        ({"loan_id": "loan_x"}, {"activate": {"schedule": "0 9 * * *"}}),
    ],
)
def test_a_condition_that_the_index_cannot_decide_makes_the_rule_a_candidate(match: Doc, more: Doc) -> None:
    assert candidates_of(rule("a", match, **more)) == ["a"]


def test_rules_are_found_by_different_fields_and_stay_in_order() -> None:
    event = example(ViewRefresh)
    rules = [rule("c", {"loan_id": event.loan_id}), rule("b", {}), rule("a", {"entity": event.entity})]

    assert candidates_of(*rules) == ["a", "b", "c"]


def test_a_rule_with_two_matching_values_is_a_candidate_once() -> None:
    event = example(ViewRefresh)

    assert candidates_of(rule("a", {"loan_id": {"in": [event.loan_id, event.loan_id]}})) == ["a"]
