"""The layer as the platform uses it: which requests it may affect, from any thread, and what it writes at the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from mocklend.seams.api_answer import ApiAnswer
from mocklend.seams.view_refresh import ViewRefresh
from support.events import example, example_request
from support.layer_harness import DOWN, LayerHarness


def test_a_request_that_ran_during_a_reset_is_not_counted(harness: LayerHarness) -> None:
    harness.arm("down", DOWN, match={"entity": "nobody"})
    harness.group()
    harness.layer.sandbox_reset(harness.sandbox.id)

    assert not harness.layer.may_affect(example_request())
    assert harness.layer.drain() == []
    assert not harness.layer.may_affect(example_request())
    assert harness.layer.drain() == []


def test_may_affect_says_what_the_group_would_select(harness: LayerHarness) -> None:
    harness.arm("down", DOWN, select={"probability": 0.5})
    harness.group()
    events = [example(ApiAnswer, entity=f"order-{n}") for n in range(200)]

    selected = [event for event in events if harness.layer.may_affect(example_request(entity=event.entity))]

    assert 60 < len(selected) < 140
    outcome = harness.group(*events)
    assert [item for item, event in zip(outcome, events, strict=True) if item != event] == [
        replace(item, answer_code="unavailable", retry_after_s=60, before_work=True) for item in selected
    ]


def test_a_rule_with_a_limit_needs_every_match_in_order(harness: LayerHarness) -> None:
    harness.arm("down", DOWN, select={"probability": 0.000001, "skip_first": 1}, match={"plane": "v1"})
    harness.group()

    assert harness.layer.may_affect(example_request())
    assert not harness.layer.may_affect(example_request(plane="operator"))


def test_a_request_that_no_rule_is_about_is_counted_as_evaluated(harness: LayerHarness) -> None:
    harness.arm("late", "transport.latency", match={"entity": "op-1"})
    harness.group()
    other, selected_request = example_request(entity="op-2", now_ms=None), example_request(entity="op-1", now_ms=None)

    glances = [harness.layer.may_affect(item) for item in (other, other, selected_request)]
    harness.meet(example(ViewRefresh))

    assert glances == [False, False, True]
    assert harness.counted("late") == (2, 0, 0, 0)


@pytest.mark.parametrize(
    ("rule", "affected"),
    [
        ({"select": {"probability": 0.000001}}, True),
        ({"match": {"plane": "operator"}}, True),
        ({"match": {"plane": {"matches": "operator"}}}, True),
        ({"match": {"now_ms": {"lt": 5}}}, False),
        ({"activate": {"start_delay_s": 10}}, False),
        ({"activate": {"duration_s": 10}}, False),
        ({"activate": {"schedule": "0 3 * * *"}}, False),
        ({"select": {"probability": 0.000001}, "activate": {"ramp": {"from": 0, "over_s": 60}}}, False),
    ],
)
def test_without_the_time_the_layer_decides_only_where_no_rule_depends_on_it(
    harness: LayerHarness, rule: dict[str, object], affected: bool
) -> None:
    harness.arm("down", DOWN, **rule)
    harness.group()

    assert harness.layer.may_affect(example_request(now_ms=None)) is not affected


def test_may_affect_respects_the_window(harness: LayerHarness) -> None:
    harness.arm("down", DOWN, activate={"start_delay_s": 10})
    harness.group()
    early = harness.layer.may_affect(example_request(now_ms=harness.now_ms))
    harness.later(10)

    assert (early, harness.layer.may_affect(example_request(now_ms=harness.now_ms))) == (False, True)


def test_a_skipped_request_is_counted_once_with_the_next_commit_also_after_a_failed_one(harness: LayerHarness) -> None:
    harness.arm("down", DOWN, match={"plane": "v1"}, select={"probability": 0})
    harness.group()
    for plane in ("v1", "v1", "operator"):
        assert not harness.layer.may_affect(example_request(plane=plane))

    harness.group(example(ViewRefresh), fail=True)
    harness.group(example(ViewRefresh))
    harness.group(example(ViewRefresh))

    assert harness.counted("down") == (3, 2, 0, 0)


def test_each_entity_has_a_count_of_its_own_that_goes_on_after_a_restart(
    harness: LayerHarness, another_layer: Callable[[], None]
) -> None:
    def nth(entity: str) -> int:
        event = example_request(entity=entity, occurrence=0)
        assert harness.layer.may_affect(event)
        count: int = event.occurrence
        return count

    harness.arm("down", DOWN)
    harness.group()
    counts = [nth("order-1"), nth("order-1"), nth("order-2")]
    harness.meet(example(ApiAnswer, entity="order-1", occurrence=2))
    another_layer()
    harness.group()

    assert counts == [1, 2, 1]
    assert [nth("order-1"), nth("order-2")] == [3, 1]
