"""Explanations why a rule acted or did not: each reason has its own words."""

from __future__ import annotations

import pytest

from mocklend.client import Doc
from mocklend.seams.view_refresh import ViewRefresh
from mocklend.storage.engines import reading
from mocklend.storage.snapshot import SandboxReader
from mocklend_faults.engine.explain import OUTCOMES, explain_rules
from mocklend_faults.engine.loaded_rules import stored_of, usable
from support.events import example, example_mark
from support.layer_harness import LayerHarness

LAG = "cache.bounded_stale"


def explained_rules(harness: LayerHarness, entity: str = "loan_ada") -> list[Doc]:
    with reading(harness.engine) as connection:
        rules = usable(stored_of(SandboxReader(connection, "sbx")), harness.layer.catalogue)
    events = [event for event in harness.layer.trail.of("sbx") if event.is_about(entity, None)]
    return [dict(document) for document in explain_rules(rules, events)]


@pytest.mark.parametrize(
    ("rule", "outcome", "why"),
    [
        ({}, "injected", "injected: inj_"),
        (
            {"match": {"channel": "wallet", "before.status": "OVD"}},
            "not_matched",
            "before.status is 'USING', not equal_to 'OVD'",
        ),
        ({"match": {"occurrence": {"gte": 3}}}, "not_matched", "occurrence is 2, not gte 3"),
        ({"select": {"probability": 0}}, "not_drawn", "is not below 0.000000"),
        ({"select": {"skip_first": 1}}, "limited", "the limit skip_first does not allow it"),
        ({"select": {"every": 2}}, "limited", "the limit every does not allow it"),
        (
            {"activate": {"start_delay_s": 60}},
            "window_closed",
            "it acts from 2026-01-05T02:01:00.000Z on",
        ),
        ({"activate": {"schedule": "0 9 * * *"}}, "window_closed", "on the schedule 0 9 * * * in UTC"),
    ],
)
def test_each_outcome_says_why(harness: LayerHarness, rule: dict[str, object], outcome: str, why: str) -> None:
    harness.arm("lag", LAG, **rule)
    harness.meet(example(ViewRefresh))

    [[met]] = [entry["events"] for entry in explained_rules(harness)]

    assert outcome in OUTCOMES
    assert met["outcome"] == outcome
    assert why in met["why"]


def test_an_injection_is_named_and_the_limit_that_stops_the_next(harness: LayerHarness) -> None:
    harness.arm("lag", LAG, select={"times": 1})
    harness.group(example(ViewRefresh), example(ViewRefresh, occurrence=3))

    [first, second] = explained_rules(harness)[0]["events"]

    assert first["injection"] == harness.key()[0].injection
    assert (second["outcome"], second["limit"]) == ("limited", "times")


def test_an_explanation_has_the_draw_that_decided(harness: LayerHarness) -> None:
    harness.arm("lag", LAG, select={"probability": 0.3})
    harness.group(*(example(ViewRefresh, occurrence=n) for n in range(2, 60)))

    met = explained_rules(harness)[0]["events"]

    missed = [item for item in met if item["outcome"] == "not_drawn"]
    assert 20 < len(missed) < 58
    assert all(entry["u"] >= entry["threshold"] for entry in missed)
    injected = [item for item in met if item["outcome"] == "injected"]
    assert all(entry["u"] < entry["threshold"] == pytest.approx(0.3) for entry in injected)
    assert len(missed) + len(injected) == len(met)


def test_an_explanation_says_that_the_fault_changed_nothing(harness: LayerHarness) -> None:
    harness.arm("slip", "operator.wrong_amount", **{"with": {"slip": "sign_flipped"}})
    harness.meet(example_mark())

    assert explained_rules(harness)[0]["events"][0]["outcome"] == "changed_nothing"


def test_a_later_rule_was_not_armed_and_a_rule_without_events_met_none(harness: LayerHarness) -> None:
    harness.arm("lag", LAG)
    harness.meet(example(ViewRefresh))
    harness.arm("lag-too", LAG)
    harness.arm("slip", "operator.wrong_amount")

    lag, too, slip = explained_rules(harness)

    assert lag["events"][0]["outcome"] == "injected"
    assert [event["outcome"] for event in too["events"]] == ["not_armed"]
    assert (slip["events"], slip["why"]) == ([], "no event in memory is at operator.edit")


def test_a_second_rule_is_explained_by_the_outcome_of_the_first(harness: LayerHarness) -> None:
    harness.arm("a", LAG)
    harness.arm("b", LAG, match={"lag_s": 0})
    harness.meet(example(ViewRefresh))

    [after] = explained_rules(harness)[1]["events"]

    assert (after["outcome"], after["field"], after["had"]) == ("not_matched", "lag_s", 60)
