"""Rules as clients write them: what is accepted, what is refused, and when a rule is on."""

from __future__ import annotations

import pytest

from mocklend.domain.problems import Refused
from mocklend_faults.engine.rules import Rule
from support.layer_harness import LayerHarness


def refusal(harness: LayerHarness, id: str, raw: object) -> Refused:
    with pytest.raises(Refused) as refused:
        Rule.from_json(id, raw, harness.layer.catalogue)
    return refused.value


def test_a_rule_needs_nothing_but_its_fault(harness: LayerHarness) -> None:
    rule = Rule.from_json("lag", {"fault": "cache.bounded_stale"}, harness.layer.catalogue)

    assert rule.to_json() == {
        "id": "lag",
        "fault": "cache.bounded_stale",
        "match": {},
        "activate": {"start_delay_s": 0},
        "select": {"probability": 1, "unit": "occurrence"},
        "with": {"lag_s": 60},
        "expect": {},
        "enabled": True,
    }


def test_a_rule_can_be_stored_and_read_again(harness: LayerHarness) -> None:
    raw = {
        "fault": "operator.wrong_amount",
        "match": {"operator": {"not_equal_to": "li"}},
        "activate": {"start_delay_s": 60, "duration_s": 3600, "ttl_s": 7200},
        "select": {"probability": 0.1, "times": 3},
        "with": {"slip": "yuan_for_fen"},
        "expect": {"class": "amount_mismatch", "severity": "major"},
    }
    rule = Rule.from_json("slip", raw, harness.layer.catalogue)

    again = Rule.from_stored(rule.to_stored(), harness.layer.catalogue)

    assert again.to_json() == rule.to_json() == {"id": "slip", "enabled": True} | rule.to_json()


def test_an_unknown_fault_is_refused_with_the_known_ones(harness: LayerHarness) -> None:
    refused = refusal(harness, "lag", {"fault": "cashe_lag"})

    assert refused.code == "fault_unknown"
    assert "cashe_lag" in refused.detail
    assert ", ".join(harness.layer.catalogue) in refused.detail


@pytest.mark.parametrize(
    ("id", "raw", "field"),
    [
        ("lag", [], ""),
        ("lag", {}, "fault"),
        ("lag", {"fault": 5}, "fault"),
        ("lag", {"fault": "cache.bounded_stale", "when": "now"}, "when"),
        ("Lag!", {"fault": "cache.bounded_stale"}, "id"),
        ("lag", {"fault": "cache.bounded_stale", "id": "other"}, "id"),
        ("lag", {"fault": "cache.bounded_stale", "enabled": 1}, "enabled"),
        ("lag", {"fault": "cache.bounded_stale", "with": {"lag": 60}}, "with.lag"),
        ("lag", {"fault": "cache.bounded_stale", "with": {"lag_s": 0}}, "with.lag_s"),
        ("lag", {"fault": "cache.bounded_stale", "with": {"lag_s": 60.0}}, "with.lag_s"),
        ("lag", {"fault": "cache.bounded_stale", "with": {"lag_s": None}}, "with.lag_s"),
        ("lag", {"fault": "operator.wrong_amount", "with": {"slip": "of_the_tongue"}}, "with.slip"),
        ("lag", {"fault": "cache.bounded_stale", "match": {"operator": "wang"}}, "match.operator"),
        ("lag", {"fault": "cache.bounded_stale", "activate": {"duration_s": 0}}, "activate.duration_s"),
        ("lag", {"fault": "cache.bounded_stale", "activate": {"from": "now"}}, "activate.from"),
        ("lag", {"fault": "cache.bounded_stale", "expect": {"class": "lie"}}, "expect.class"),
        ("lag", {"fault": "cache.bounded_stale", "expect": {"amount": 5}}, "expect.amount"),
    ],
)
def test_an_invalid_rule_is_refused(harness: LayerHarness, id: str, raw: object, field: str) -> None:
    refused = refusal(harness, id, raw)

    assert refused.code == "validation_failed"
    assert refused.ids["errors"][0]["field"] == field


def test_an_unknown_setting_is_refused_with_the_known_ones(harness: LayerHarness) -> None:
    refused = refusal(harness, "lag", {"fault": "cache.bounded_stale", "with": {"lag": 60}})

    assert refused.ids["errors"] == [
        {"field": "with.lag", "expected": "no field but lag_s; did you mean 'lag_s'?", "received": 60}
    ]


def test_every_field_that_is_wrong_for_the_kind_is_in_one_answer(harness: LayerHarness) -> None:
    raw = {"fault": "cache.bounded_stale", "with": {"lag_s": 0}, "match": {"operator": "wang", "loan_id": 5}}

    assert [error["field"] for error in refusal(harness, "lag", raw).ids["errors"]] == [
        "with.lag_s", "match.operator", "match.loan_id.equal_to",
    ]  # fmt: skip


def test_a_rule_waits_acts_and_expires(harness: LayerHarness) -> None:
    raw = {"fault": "cache.bounded_stale", "activate": {"start_delay_s": 60, "duration_s": 60}}
    rule = Rule.from_json("lag", raw, harness.layer.catalogue)

    assert [rule.state(at) for at in (0, 59_999, 60_000, 119_999, 120_000)] == [
        "waiting",
        "waiting",
        "armed",
        "armed",
        "expired",
    ]
