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
    floor: LayerHarness, another_layer: Callable[[], None], capsys: pytest.CaptureFixture[str]
) -> None:
    floor.arm("lag", LAG)
    floor.arm("old", LAG, match={"loan_id": {"matches": "loan_x"}})
    with floor.engine.begin() as connection:  # As a version stored it that took look-around.
        connection.exec_driver_sql("UPDATE rulesets SET doc = replace(doc, 'loan_x', '(?=l)loan_x')")
    another_layer()

    assert floor.meet(example(ViewRefresh)).lag_s == 60
    printed = capsys.readouterr()
    assert "a stored rule is refused" in printed.out + printed.err
    assert "old" in printed.out + printed.err


def test_another_sandbox_is_not_affected(floor: LayerHarness) -> None:
    floor.arm("lag", LAG)
    floor.meet(example(ViewRefresh))

    assert not floor.armed("sbx_other")


def test_a_rule_whose_kind_is_not_installed_does_not_act(floor: LayerHarness) -> None:
    floor.arm("lag", LAG)
    floor.layer = FaultLayer([CallbackDropped])

    assert floor.meet(example(ViewRefresh)) == example(ViewRefresh)


def test_before_the_first_command_it_is_unknown_which_seams_have_rules(floor: LayerHarness) -> None:
    before = floor.layer.has_rules_at(floor.sandbox.id, ANSWER)
    floor.group()

    assert (before, floor.layer.has_rules_at(floor.sandbox.id, ANSWER)) == (None, False)


def test_while_rules_are_being_loaded_it_is_unknown_which_seams_have_rules(
    floor: LayerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request in another thread would go by unsince the rules before did not listen."""
    floor.arm("lag", LAG)
    floor.group()
    signals: list[bool | None] = []
    load = RulesInMemory._load

    def looked_at(*event: Any) -> Any:
        signals.append(floor.layer.has_rules_at(floor.sandbox.id, ANSWER))
        loaded = load(*event)
        signals.append(floor.layer.has_rules_at(floor.sandbox.id, ANSWER))
        return loaded

    monkeypatch.setattr(RulesInMemory, "_load", looked_at)
    floor.arm("down", DOWN)
    floor.layer.invalidate_rules(floor.sandbox.id)
    floor.group()

    assert set(signals) == {None}
    assert floor.layer.has_rules_at(floor.sandbox.id, ANSWER)


def test_a_layer_has_rules_only_at_the_seams_of_its_rules(floor: LayerHarness) -> None:
    floor.arm("down", DOWN)
    floor.group()

    assert floor.layer.has_rules_at(floor.sandbox.id, ANSWER)
    assert floor.layer.has_rules_at(floor.sandbox.id, "view.refresh") is False

    floor.layer.invalidate_rules(floor.sandbox.id)
    assert floor.layer.has_rules_at(floor.sandbox.id, ANSWER) is None
