"""The audit beside the answer key."""

from __future__ import annotations

import pytest

from mocklend.domain.finding import Finding
from mocklend.seams.callback_attempt import CallbackAttempt
from mocklend.seams.view_refresh import ViewRefresh
from mocklend_faults.engine.answer_key import Entry
from mocklend_faults.engine.observed import explain
from support.events import example
from support.layer_harness import LayerHarness


@pytest.fixture
def key(harness: LayerHarness) -> dict[str, Entry]:
    harness.arm("lag", "cache.bounded_stale")
    harness.arm("drop", "callback.dropped")
    harness.group(example(ViewRefresh), example(CallbackAttempt))
    return {entry.finding.finding_class: entry for entry in harness.key()}


def test_a_discrepancy_is_explained_by_the_entry_of_its_class_and_entity(key: dict[str, Entry]) -> None:
    findings = [Finding("stale_view", "loan_ada", 100_000), Finding("missing_in_books", "rpy_ada", 100_000)]

    explained = explain(findings, key.values())

    assert explained.explained_by == (key["stale_view"].injection, key["missing_in_books"].injection)
    assert explained.unobserved == ()


def test_a_discrepancy_without_an_entry_is_unexplained(key: dict[str, Entry]) -> None:
    explained = explain([Finding("stale_view", "loan_bob", 100_000)], key.values())

    assert explained.explained_by == (None,)
    assert len(explained.unobserved) == 2


def test_missing_money_is_explained_only_by_an_entry_of_its_amount(key: dict[str, Entry]) -> None:
    assert explain([Finding("missing_in_books", "rpy_ada", 99_999)], key.values()).explained_by == (None,)


def test_a_page_may_be_behind_by_another_amount_than_at_first(key: dict[str, Entry]) -> None:
    assert explain([Finding("stale_view", "loan_ada", 5)], key.values()).explained_by == (key["stale_view"].injection,)


def test_one_entry_explains_one_discrepancy(key: dict[str, Entry]) -> None:
    twice = [Finding("missing_in_books", "rpy_ada", 100_000)] * 2

    assert explain(twice, key.values()).explained_by == (key["missing_in_books"].injection, None)


def test_an_ended_injection_explains_nothing_and_is_not_expected(harness: LayerHarness, key: dict[str, Entry]) -> None:
    harness.later(60)

    explained = explain([Finding("stale_view", "loan_ada", 100_000)], harness.key())

    assert explained.explained_by == (None,)
    assert [entry.finding.finding_class for entry in explained.unobserved] == ["missing_in_books"]
