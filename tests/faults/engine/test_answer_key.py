"""Reading the answer key."""

from __future__ import annotations

import pytest

from mocklend.seams.callback_attempt import CallbackAttempt
from mocklend.seams.view_refresh import ViewRefresh
from support.events import example
from support.layer_harness import LayerHarness


@pytest.fixture
def day(harness: LayerHarness) -> LayerHarness:
    """Ada's page lags; an hour later Bob's callback is lost."""
    harness.arm("lag", "cache.bounded_stale", expect={"severity": "minor"})
    harness.arm("drop", "callback.dropped", expect={"class": "missing_in_channel"})
    harness.meet(example(ViewRefresh))
    harness.later(3600)
    harness.meet(
        example(
            CallbackAttempt,
            entity="rpy_bob",
            repayment_id="rpy_bob",
            loan_id="loan_bob",
            now_ms=harness.now_ms,
            occurrence=1,
        )
    )
    return harness


@pytest.mark.parametrize(
    ("filters", "rules"),
    [
        ({}, ["lag", "drop"]),
        ({"status": "active"}, ["drop"]),
        ({"status": "healed"}, ["lag"]),
        ({"status": "superseded"}, []),
        ({"loan_id": "loan_bob"}, ["drop"]),
        ({"entity": "loan_ada"}, ["lag"]),
        ({"entity": "rpy_bob", "status": "healed"}, []),
    ],
)
def test_the_key_can_be_asked_by_status_entity_and_loan(
    day: LayerHarness, filters: dict[str, str], rules: list[str]
) -> None:
    assert [entry.rule for entry in day.key(**filters)] == rules


def test_an_entry_has_the_expected_finding_of_the_rules_author(day: LayerHarness) -> None:
    lag, drop = day.key()

    assert lag.to_json()["expected"]["severity"] == "minor"
    assert drop.to_json()["expected"]["class"] == "missing_in_channel"
    assert drop.finding.finding_class == "missing_in_books"
