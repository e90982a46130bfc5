"""What is certain: only rules that act on every such event are foreseen, and foreseeing leaves no trace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from mocklend.seams.api_answer import ApiAnswer
from mocklend.seams.seam import EventContext
from mocklend_faults.engine.catalogue import installed
from mocklend_faults.engine.foresight import foreseen
from mocklend_faults.engine.rules import Rule

EVENT = ApiAnswer.example()
NOW = EventContext("sandbox", 7, EVENT.now_ms)


def certain(*bodies: Mapping[str, object], event: ApiAnswer = EVENT) -> tuple[object, tuple[str, ...]]:
    """What the answer's code becomes, and the rules behind it."""
    read = [Rule.from_json(f"rule-{n}", body, installed()) for n, body in enumerate(bodies)]
    rules = [replace(rule, armed_ms=EVENT.now_ms) for rule in read]
    [(outcome, ids)] = foreseen(NOW, rules, [event])
    return outcome.answer_code, tuple(ids)


def test_a_rule_that_acts_on_every_answer_is_certain() -> None:
    assert certain({"fault": "outage.full"}) == ("unavailable", ("rule-0",))


@pytest.mark.parametrize(
    "more",
    [
        {"select": {"probability": 0.99}},
        {"select": {"times": 5}},
        {"select": {"every": 2}},
        {"activate": {"start_delay_s": 3600}},
        {"activate": {"ramp": {"over_s": 60, "from": 0, "to": 1}}},
        {"match": {"operation": "getLoan"}},
        {"match": {"occurrence": 1}},
        {"match": {"draw": {"lt": 999_999}}},
    ],
)
def test_a_rule_that_may_or_may_not_act_is_left_out(more: Mapping[str, object]) -> None:
    assert certain({"fault": "outage.full", **more}) == (None, ())


def test_the_second_of_two_rules_sees_what_the_first_has_made() -> None:
    late = {"fault": "transport.latency", "with": {"delay_ms": 5}}

    assert certain(late, {"fault": "outage.full"}, {"fault": "outage.full"}) == ("unavailable", ("rule-0", "rule-1"))


def test_a_write_only_outage_is_certain_for_writes_alone() -> None:
    rule = {"fault": "outage.write_only"}

    assert certain(rule) == ("unavailable", ("rule-0",))
    assert certain(rule, event=replace(EVENT, writes=False, method="GET")) == (None, ())
