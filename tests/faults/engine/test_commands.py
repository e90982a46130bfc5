"""Arming, changing and halting rules."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mocklend.domain.problems import Refused
from mocklend.seams.callback_attempt import CallbackAttempt
from mocklend.seams.view_refresh import ViewRefresh
from mocklend_faults.engine.commands import RULES_BYTES_MAX, RULES_MAX, DeleteRule, HaltRules, PatchRule
from support.events import example
from support.layer_harness import LayerHarness

LAG = "cache.bounded_stale"


def test_a_new_rule_is_201_and_the_same_again_200(harness: LayerHarness) -> None:
    assert harness.arm("lag", LAG).status == 201
    version = harness.sandbox.rules_version
    harness.later(60)

    again = harness.arm("lag", LAG)

    assert (again.status, again.body["armed_ms"]) == (200, harness.now_ms - 60_000)
    assert harness.sandbox.rules_version == version


def test_every_change_raises_the_rules_version(harness: LayerHarness) -> None:
    versions = [harness.sandbox.rules_version]
    steps: tuple[Callable[[], object], ...] = (
        lambda: harness.arm("lag", LAG),
        lambda: harness.arm("lag", LAG, **{"with": {"lag_s": 5}}),
        lambda: harness.run(PatchRule("sbx", "lag", enabled=False)),
        lambda: harness.run(DeleteRule("sbx", "lag")),
    )
    for step in steps:
        step()
        versions.append(harness.sandbox.rules_version)

    assert versions == sorted(set(versions))


def test_a_rule_that_is_off_does_nothing_and_restarts_its_window_when_it_is_on_again(harness: LayerHarness) -> None:
    harness.arm("lag", LAG, activate={"duration_s": 60})
    harness.run(PatchRule("sbx", "lag", enabled=False))
    assert harness.meet(example(ViewRefresh)).lag_s == 0
    harness.later(3600)

    harness.run(PatchRule("sbx", "lag", enabled=True))

    assert harness.meet(example(ViewRefresh, occurrence=3)).lag_s == 60


def test_a_deleted_rule_is_gone_and_its_entries_stay(harness: LayerHarness) -> None:
    harness.arm("lag", LAG)
    harness.meet(example(ViewRefresh))

    assert harness.run(DeleteRule("sbx", "lag")).status == 204

    assert harness.meet(example(ViewRefresh, occurrence=3)).lag_s == 0
    assert [entry.rule for entry in harness.key()] == ["lag"]


def test_one_request_halts_all_rules(harness: LayerHarness) -> None:
    harness.arm("lag", LAG)
    harness.arm("drop", "callback.dropped")
    harness.arm("off", "operator.wrong_amount", enabled=False)

    halted = harness.run(HaltRules("sbx"))

    assert halted.body == {"halted": ["drop", "lag"]}
    assert harness.group(example(ViewRefresh), example(CallbackAttempt)) == [
        example(ViewRefresh),
        example(CallbackAttempt),
    ]
    assert harness.run(HaltRules("sbx")).body == {"halted": []}


@pytest.mark.parametrize("command", [PatchRule("sbx", "lag", enabled=True), DeleteRule("sbx", "lag")])
def test_an_unknown_rule_is_refused(harness: LayerHarness, command: PatchRule | DeleteRule) -> None:
    with pytest.raises(Refused) as refused:
        harness.run(command)

    assert refused.value.code == "rule_unknown"


def test_the_number_of_rules_has_a_maximum_and_one_that_exists_may_change(harness: LayerHarness) -> None:
    for n in range(RULES_MAX):
        harness.arm(f"lag-{n}", LAG)

    with pytest.raises(Refused, match="too_many_rules") as caught:
        harness.arm("one-more", LAG)

    assert (caught.value.expected, caught.value.received) == (f"at most {RULES_MAX}", RULES_MAX + 1)
    assert harness.arm("lag-0", LAG, **{"with": {"lag_s": 5}}).status == 200
    assert len(harness.run(HaltRules("sbx")).body["halted"]) == RULES_MAX
    harness.run(DeleteRule("sbx", "lag-0"))
    assert harness.arm("one-more", LAG).status == 201


def test_the_bytes_of_rules_have_a_maximum_and_they_can_still_be_switched_off(harness: LayerHarness) -> None:
    long = {"match": {"loan_id": {"in": [f"loan_{n:060}" for n in range(800)]}}}
    armed = 0
    with pytest.raises(Refused, match="too_many_rules") as caught:
        for armed in range(RULES_MAX):
            harness.arm(f"lag-{armed}", LAG, **long)

    assert caught.value.received > RULES_BYTES_MAX
    assert RULES_BYTES_MAX // 60_000 <= armed < 25
    assert len(harness.run(HaltRules("sbx")).body["halted"]) == armed
