"""One injection in the answer key: how long it is visible, and what it replaces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from mocklend.seams.operator_edit import OperatorEdit
from mocklend.seams.repayment_filed import RepaymentFiled
from mocklend.seams.seam import Consequence
from mocklend.seams.view_refresh import ViewRefresh
from support.events import example
from support.layer_harness import LAG, MARK, SLIP, LayerHarness


def test_rules_act_in_the_order_of_their_ids_and_the_last_entry_has_the_whole_change(harness: LayerHarness) -> None:
    harness.arm("b", LAG, **{"with": {"lag_s": 40}})
    harness.arm("a", LAG, **{"with": {"lag_s": 60}})

    assert harness.meet(example(ViewRefresh)).lag_s == 100

    first, last = harness.key()
    assert (first.rule, first.status) == ("a", "superseded")
    assert (last.rule, last.status, last.effect) == ("b", "active", "lag_s: 60 -> 100")
    assert last.to_json()["visible_until"] == "2026-01-05T02:01:40.000Z"
    assert first.to_json()["status_reason"] == f"a newer injection has replaced it: {last.injection}"


def test_a_second_wrong_edit_is_measured_against_the_intended_one(harness: LayerHarness) -> None:
    harness.arm("a", SLIP, **{"with": {"slip": "yuan_for_fen"}})
    harness.arm("b", SLIP, **{"with": {"slip": "digits_swapped"}})

    assert harness.meet(example(OperatorEdit, amount_minor=1_250)).amount_minor == 215_000

    first, last = harness.key()
    assert (first.status, last.status) == ("superseded", "active")
    assert last.finding.amount_minor == 215_000 - 1_250
    assert last.truth_after["amount_minor"] == 1_250


def test_two_wrong_edits_that_cancel_are_masked(harness: LayerHarness) -> None:
    harness.arm("a", SLIP)
    harness.arm("b", SLIP)

    assert harness.meet(example(OperatorEdit, amount_minor=1_250)) == example(OperatorEdit, amount_minor=1_250)

    assert harness.statuses() == ["superseded", "masked"]


def test_one_entry_at_most_is_open_for_a_class_and_an_entity(harness: LayerHarness) -> None:
    harness.arm("mark", MARK)

    for n in range(2, 6):
        harness.meet(example(RepaymentFiled, entity=f"rpy_{n}", repayment_id=f"rpy_{n}", edit_id=f"edt_{n}"))

    assert harness.statuses() == ["superseded", "superseded", "superseded", "active"]


def test_an_injection_has_the_same_id_in_every_run(harness: LayerHarness) -> None:
    harness.arm("lag", LAG)
    harness.meet(example(ViewRefresh))

    assert [entry.injection for entry in harness.key()] == ["inj_57smahcnb2rcwm6n7imq"]


def told_by(monkeypatch: pytest.MonkeyPatch, change: Callable[[Consequence], Consequence]) -> None:
    """The page's seam draws another consequence."""
    honest = ViewRefresh.consequence
    monkeypatch.setattr(ViewRefresh, "consequence", lambda self, outcome: change(honest(self, outcome)))


def test_an_injection_that_shows_later_is_pending_until_then(
    monkeypatch: pytest.MonkeyPatch, harness: LayerHarness
) -> None:
    told_by(monkeypatch, partial(replace, from_ms=harness.now_ms + 30_000))
    harness.arm("lag", LAG)
    harness.meet(example(ViewRefresh))

    assert (harness.statuses(), harness.key()[0].open) == (["pending"], False)
    assert harness.key()[0].to_json()["visible_from"] == "2026-01-05T02:00:30.000Z"
    harness.later(30)
    assert (harness.statuses(), harness.key()[0].open) == (["active"], True)
    harness.later(30)
    assert harness.statuses() == ["healed"]


def test_a_single_wrong_answer_ends_at_once_and_does_not_count_as_active(
    monkeypatch: pytest.MonkeyPatch, harness: LayerHarness
) -> None:
    harness.arm("lag", LAG)
    harness.meet(example(ViewRefresh))
    told_by(monkeypatch, partial(replace, until_ms=harness.now_ms))

    harness.meet(example(ViewRefresh, occurrence=3))

    first, second = sorted(harness.key(), key=lambda entry: entry.occurrence)
    assert (first.status, second.status) == ("active", "healed")
    assert second.to_json()["status_reason"] == "a single answer was wrong; the next is right"


def test_an_injection_that_the_platform_withstands_is_masked_with_a_reason(
    monkeypatch: pytest.MonkeyPatch, harness: LayerHarness
) -> None:
    told_by(monkeypatch, partial(replace, withstood="the page has a version"))
    harness.arm("lag", LAG)

    harness.meet(example(ViewRefresh))

    [entry] = harness.key()
    assert (entry.status, entry.to_json()["status_reason"]) == ("masked", "the page has a version")
