"""Lint of rules: whether their answer key can be repeated, and whether they can act at all."""

from __future__ import annotations

import pytest

from mocklend.client import Doc
from mocklend.seams.view_refresh import ViewRefresh
from mocklend_faults.engine.lint import EXACT, ORDER, TIME, LintResult, lint
from mocklend_faults.engine.rules import Rule
from support.events import example
from support.layer_harness import LayerHarness

LAG = "cache.bounded_stale"


def linted(harness: LayerHarness, *rules: dict[str, object], mode: str = "manual") -> list[LintResult]:
    read = [
        Rule.from_json(f"rule-{n}", {"fault": LAG, **rule}, harness.layer.catalogue) for n, rule in enumerate(rules)
    ]
    return list(lint(read, mode=mode).values())


def warned(harness: LayerHarness, *rules: Doc) -> list[str]:
    return [warning.code for warning in linted(harness, *rules)[-1].warnings]


@pytest.mark.parametrize(
    ("rule", "verdict"),
    [
        ({}, EXACT),
        ({"select": {"probability": 0.1, "unit": "entity"}}, EXACT),
        ({"select": {"times_per": {"entity": 2}}}, EXACT),
        ({"select": {"skip_first": 0, "every": 1}}, EXACT),
        ({"select": {"times": 3}}, ORDER),
        ({"select": {"skip_first": 1}}, ORDER),
        ({"select": {"every": 2}}, ORDER),
        ({"select": {"max_active": 2}}, ORDER),
        ({"select": {"times": 3}, "match": {"channel": "wallet"}}, ORDER),
        ({"select": {"times": 3}, "match": {"loan_id": "loan_ada"}}, EXACT),
        ({"select": {"times": 3}, "match": {"entity": {"in": ["loan_ada"]}}}, EXACT),
        ({"select": {"times": 3}, "match": {"entity": {"in": ["loan_ada", "loan_bob"]}}}, ORDER),
        ({"select": {"times": 3}, "match": {"entity": {"not_equal_to": "loan_ada"}}}, ORDER),
    ],
)
def test_a_count_over_several_entities_depends_on_their_order(
    harness: LayerHarness, rule: dict[str, object], verdict: str
) -> None:
    assert [result.verdict for result in linted(harness, rule)] == [verdict]


@pytest.mark.parametrize(
    "rule",
    [
        {"activate": {"start_delay_s": 5}},
        {"activate": {"duration_s": 5}},
        {"activate": {"ttl_s": 5}},
        {"activate": {"schedule": "0 9 * * *"}},
        {"activate": {"ramp": {"over_s": 5}}},
        {"match": {"now_ms": {"gte": 5}}},
    ],
)
def test_a_time_depends_on_the_clock_where_the_clock_runs_by_itself(
    harness: LayerHarness, rule: dict[str, object]
) -> None:
    assert linted(harness, rule, mode="manual")[0].verdict == EXACT
    [result] = linted(harness, rule, mode="wall")

    assert result.verdict == TIME
    assert result.reasons[0].endswith("depends on the time, and the clock is running")


def test_a_rule_beside_an_inexact_one_is_not_exact(harness: LayerHarness) -> None:
    alone, counting = linted(harness, {}, {"select": {"times": 1}})

    assert (alone.verdict, alone.alone) == (ORDER, EXACT)
    assert alone.reasons == ("rule rule-1 is order_dependent, and changes the story that this one acts on",)
    assert counting.reasons == ("times: counted over all entities, in the order in which they come",)


def test_a_disabled_rule_does_not_change_the_verdicts(harness: LayerHarness) -> None:
    assert linted(harness, {}, {"enabled": False, "select": {"times": 1}})[0].verdict == EXACT


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ({"select": {"probability": 0}}, "never_drawn"),
        ({"activate": {"ramp": {"over_s": 5, "from": 0, "to": 0}}}, "never_drawn"),
        ({"activate": {"start_delay_s": 60, "ttl_s": 60}}, "never_open"),
        ({"activate": {"schedule": "0 9 * * *", "ttl_s": 3600}}, "never_open"),  # armed at midnight, by the epoch
        ({"match": {"channel": {"in": ["wallet"], "not_equal_to": "wallet"}}}, "never_matches"),
        ({"match": {"channel": {"equal_to": "wallet", "absent": True}}}, "never_matches"),
        ({"match": {"occurrence": {"gte": 5, "lt": 5}}}, "never_matches"),
        ({"expect": {"class": "misapplied"}}, "class_never_made"),
    ],
)
def test_lint_warns_of_a_rule_that_is_hardly_intended(
    harness: LayerHarness, rule: dict[str, object], code: str
) -> None:
    assert warned(harness, rule) == [code]


@pytest.mark.parametrize(
    "rule",
    [
        {"select": {"probability": 0.001}},
        {"activate": {"start_delay_s": 59, "ttl_s": 60}},
        {"activate": {"schedule": "30 0 * * *", "ttl_s": 3600}},
        {"activate": {"ramp": {"over_s": 5, "from": 1, "to": 0}}},
        {"match": {"occurrence": {"gte": 5, "lte": 5}, "channel": {"not_equal_to": "wallet"}}},
        {"expect": {"class": "stale_view"}},
    ],
)
def test_lint_does_not_warn_of_a_rule_that_may_be_intended(harness: LayerHarness, rule: dict[str, object]) -> None:
    assert warned(harness, rule) == []


def test_lint_warns_of_a_rule_behind_one_that_hits_everything(harness: LayerHarness) -> None:
    wallets = {"match": {"channel": "wallet"}}

    assert warned(harness, {}, wallets) == ["shadowed"]
    assert warned(harness, wallets, {}) == []
    assert warned(harness, {"select": {"probability": 0.9}}, wallets) == []
    assert warned(harness, {"activate": {"duration_s": 60}}, wallets) == []
    assert warned(harness, {"with": {"lag_s": 5}}, wallets) == []


def test_a_rule_that_lint_calls_impossible_never_acts_at_the_seam(harness: LayerHarness) -> None:
    harness.arm("none", LAG, match={"channel": {"in": ["wallet"], "not_equal_to": "wallet"}})
    harness.arm("late", LAG, activate={"start_delay_s": 60, "ttl_s": 60})
    harness.arm("zero", LAG, select={"probability": 0})

    for step in range(30):
        harness.meet(example(ViewRefresh, occurrence=step + 2))
        harness.later(10)

    assert harness.key() == []
