"""The rules that a process has loaded: which of them act, and what holds before they are loaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mocklend.seams.view_refresh import ViewRefresh
from mocklend_faults.engine import FaultLayer
from mocklend_faults.engine.loaded_rules import RulesInMemory
from mocklend_faults.kinds.callback_dropped import CallbackDropped
from support.events import example
from support.layer_harness import ANSWER, DOWN, LAG, LayerHarness


def test_a_stored_rule_that_is_no_longer_valid_does_not_act_and_the_others_do(
    harness: LayerHarness, another_layer: Callable[[], None], capsys: pytest.CaptureFixture[str]
) -> None:
    harness.arm("lag", LAG)
    harness.arm("old", LAG, match={"loan_id": {"matches": "loan_x"}})
    with harness.engine.begin() as connection:  # As a version stored it that took look-around.
        connection.exec_driver_sql("UPDATE rulesets SET doc = replace(doc, 'loan_x', '(?=l)loan_x')")
    another_layer()

    assert harness.meet(example(ViewRefresh)).lag_s == 60
    printed = capsys.readouterr()
    assert "a stored rule is refused" in printed.out + printed.err
    assert "old" in printed.out + printed.err


def test_another_sandbox_is_not_affected(harness: LayerHarness) -> None:
    harness.arm("lag", LAG)
    harness.meet(example(ViewRefresh))

    assert not harness.armed("sbx_other")


def test_a_rule_whose_kind_is_not_installed_does_not_act(harness: LayerHarness) -> None:
    harness.arm("lag", LAG)
    harness.layer = FaultLayer([CallbackDropped])

    assert harness.meet(example(ViewRefresh)) == example(ViewRefresh)


def test_before_the_first_command_it_is_unknown_which_seams_have_rules(harness: LayerHarness) -> None:
    before = harness.layer.has_rules_at(harness.sandbox.id, ANSWER)
    harness.group()

    assert (before, harness.layer.has_rules_at(harness.sandbox.id, ANSWER)) == (None, False)


def test_while_rules_are_being_loaded_it_is_unknown_which_seams_have_rules(
    harness: LayerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request in another thread would go by unsince the rules before did not listen."""
    harness.arm("lag", LAG)
    harness.group()
    signals: list[bool | None] = []
    load = RulesInMemory._load

    def looked_at(*event: Any) -> Any:
        signals.append(harness.layer.has_rules_at(harness.sandbox.id, ANSWER))
        loaded = load(*event)
        signals.append(harness.layer.has_rules_at(harness.sandbox.id, ANSWER))
        return loaded

    monkeypatch.setattr(RulesInMemory, "_load", looked_at)
    harness.arm("down", DOWN)
    harness.layer.invalidate_rules(harness.sandbox.id)
    harness.group()

    assert set(signals) == {None}
    assert harness.layer.has_rules_at(harness.sandbox.id, ANSWER)


def test_a_layer_has_rules_only_at_the_seams_of_its_rules(harness: LayerHarness) -> None:
    harness.arm("down", DOWN)
    harness.group()

    assert harness.layer.has_rules_at(harness.sandbox.id, ANSWER)
    assert harness.layer.has_rules_at(harness.sandbox.id, "view.refresh") is False

    harness.layer.invalidate_rules(harness.sandbox.id)
    assert harness.layer.has_rules_at(harness.sandbox.id, ANSWER) is None
