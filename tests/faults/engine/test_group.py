"""The layer within one group of commands: which events a rule hits, its limits, and failed commits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from sqlalchemy import Connection, event

from mocklend.seams.callback_attempt import CallbackAttempt
from mocklend.seams.operator_edit import OperatorEdit
from mocklend.seams.quote_issued import QuoteIssued
from mocklend.seams.repayment_filed import RepaymentFiled
from mocklend.seams.signals import applied, cleared, ordered_by, recorded, shown
from mocklend.seams.view_refresh import ViewRefresh
from mocklend.storage.engines import writing
from mocklend_faults.engine import FaultLayer
from support.events import MONDAY_MS, example, example_request
from support.layer_harness import DRIFT, DROP, LAG, MARK, LayerHarness, loans


def test_without_a_rule_every_event_is_honest_and_no_rule_is_evaluated(harness: LayerHarness) -> None:
    assert harness.meet(example(ViewRefresh)) == example(ViewRefresh)
    assert not harness.armed(harness.sandbox.id)


def test_a_rule_acts_from_the_next_group_on(harness: LayerHarness) -> None:
    harness.arm("lag", LAG)

    assert harness.meet(example(ViewRefresh)).lag_s == 60
    assert harness.armed(harness.sandbox.id)


def test_a_rule_acts_only_at_the_seams_of_its_fault(harness: LayerHarness) -> None:
    harness.arm("lag", LAG)

    assert harness.group(example(CallbackAttempt), example(OperatorEdit), example(RepaymentFiled)) == [
        example(CallbackAttempt),
        example(OperatorEdit),
        example(RepaymentFiled),
    ]


def test_a_rule_acts_within_its_window(harness: LayerHarness) -> None:
    harness.arm("lag", LAG, activate={"start_delay_s": 10, "duration_s": 10})

    lags = []
    for version in range(2, 5):
        lags.append(harness.meet(example(ViewRefresh, occurrence=version)).lag_s)
        harness.later(10)

    assert lags == [0, 60, 0]


def test_a_failed_group_has_no_effect(harness: LayerHarness) -> None:
    harness.arm("lag", LAG, select={"times": 1, "times_per": {"entity": 1}})

    harness.group(example(ViewRefresh), fail=True)
    again = harness.meet(example(ViewRefresh))

    assert again.lag_s == 60
    assert harness.counted("lag") == (1, 1, 1, 1)
    assert len(harness.key()) == 1


def test_a_group_that_was_committed_without_an_answer_counts_for_the_limits(harness: LayerHarness) -> None:
    """The connection ends between a commit and its answer: only the database knows which of the two it was."""

    def cut(connection: Connection) -> None:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.commit()
        raise ConnectionError("the connection ended")

    harness.arm("lag", LAG, select={"times": 1})
    event.listen(harness.engine, "commit", cut)
    harness.group(example(ViewRefresh))
    event.remove(harness.engine, "commit", cut)

    again = example(ViewRefresh, entity="loan_2", loan_id="loan_2")
    assert harness.meet(again) == again
    assert len(harness.key()) == 1
    assert harness.counted("lag")[3] == 1


def test_a_discarded_group_changes_nothing_that_others_see(harness: LayerHarness) -> None:
    """Neither metrics nor the trail nor the counts of requests change."""
    harness.arm("slow", "transport.latency", match={"entity": "nobody"})
    harness.arm("lag", LAG)
    harness.group()
    harness.layer.may_affect(example_request())
    harness.layer.write_counts(harness.sandbox.id)
    before = (harness.layer.counted_outcomes(), len(harness.layer.events_of(harness.sandbox.id)))

    with writing(harness.engine) as connection:
        group = harness.layer.group(connection, [(harness.sandbox.id, harness.sandbox.rules_version)])
        group.at(harness.context, example(ViewRefresh))
        written = [(name, row["evaluated"]) for name, row in group.finish()]

    assert written == [("rule_counts.add", 1), ("seam_counts.add", 1)]
    assert (harness.layer.counted_outcomes(), len(harness.layer.events_of(harness.sandbox.id))) == before
    assert harness.counted("lag") == (0, 0, 0, 0)
    assert harness.counted("slow")[0] == 1


def test_times_per_entity_is_remembered_over_a_restart(
    harness: LayerHarness, another_layer: Callable[[], None]
) -> None:
    harness.arm("lag", LAG, select={"times_per": {"entity": 2}})
    lags = [harness.meet(example(ViewRefresh, occurrence=version)).lag_s for version in (2, 3)]
    another_layer()

    lags += [harness.meet(example(ViewRefresh, occurrence=version)).lag_s for version in (4, 5)]

    assert lags == [60, 60, 0, 0]
    assert harness.meet(example(ViewRefresh, entity="loan_bob", loan_id="loan_bob")).lag_s == 60


def test_max_active_waits_until_an_injection_has_ended(harness: LayerHarness) -> None:
    harness.arm("lag", LAG, select={"max_active": 1})
    ada, bob, eve = loans(3)

    assert [outcome.lag_s for outcome in harness.group(ada, bob)] == [60, 0]
    harness.hear(shown(ada.entity))
    assert harness.meet(bob).lag_s == 60
    assert harness.meet(eve).lag_s == 0
    harness.later(60)
    assert harness.meet(replace(eve, occurrence=3)).lag_s == 60


def test_max_active_allows_another_injection_after_one_ends_within_the_group(harness: LayerHarness) -> None:
    harness.arm("lag", LAG, select={"max_active": 1})
    ada, bob, _ = loans(3)

    assert [outcome.lag_s for outcome in harness.group(ada, (shown(ada.entity),), bob)] == [60, 60]


DAY_S = 86_400


def quotes(*who: str) -> list[QuoteIssued]:
    """Quotes that lapse after a day."""
    return [
        example(
            QuoteIssued,
            entity=f"qte_{name}",
            quote_id=f"qte_{name}",
            loan_id=f"loan_{name}",
            lapses_ms=MONDAY_MS + DAY_S * 1000,
        )
        for name in who
    ]


def test_max_active_counts_an_injection_that_no_longer_ends_by_itself(harness: LayerHarness) -> None:
    """A wrong quote ends when it lapses, unless a repayment uses it; then it stays open."""
    harness.arm("drift", DRIFT, select={"max_active": 1})
    ada, bob = quotes("ada", "bob")
    bob = replace(bob, lapses_ms=MONDAY_MS + 9 * DAY_S * 1000)
    harness.meet(ada)

    assert harness.group((ordered_by("qte_ada"),), 2 * DAY_S, bob) == [bob]

    assert harness.meet(bob) == bob
    assert harness.statuses() == ["active"]
    harness.hear(cleared("loan_ada"))
    assert harness.meet(bob) != bob


def test_max_active_does_not_reopen_an_ended_injection(harness: LayerHarness) -> None:
    harness.arm("drift", DRIFT, select={"max_active": 1})
    ada, bob = quotes("ada", "bob")
    bob = replace(bob, lapses_ms=MONDAY_MS + 9 * DAY_S * 1000)
    harness.meet(ada)

    [outcome] = harness.group(2 * DAY_S, (ordered_by("qte_ada"),), bob)

    assert outcome != bob
    assert harness.statuses() == ["healed", "active"]


@pytest.mark.parametrize("signal", [ordered_by("qte_ada"), cleared("loan_ada")])
def test_a_signal_does_not_change_how_an_injection_ended_by_itself(harness: LayerHarness, signal: str) -> None:
    harness.arm("drift", DRIFT)
    harness.meet(quotes("ada")[0])
    harness.later(2 * DAY_S)
    ended = harness.key()
    assert [(item.status, item.ended_by) for item in ended] == [("healed", "itself")]

    harness.hear(signal)

    assert harness.key() == ended


STEPS = st.lists(
    st.tuples(st.just("quote"), st.sampled_from("abc"))
    | st.tuples(st.sampled_from(["order", "clear"]), st.integers(0, 5))
    | st.tuples(st.just("wait"), st.sampled_from([3_600, DAY_S // 2, DAY_S, 2 * DAY_S])),
    max_size=12,
)


@settings(max_examples=60)
@given(steps=STEPS, most=st.integers(1, 2))
def test_max_active_does_not_depend_on_the_grouping_of_commands(
    harness: LayerHarness, steps: list[tuple[str, int]], most: int
) -> None:
    """In one group, in a group each and in a process each, the same quotes are wrong, and never too many."""
    now_ms = MONDAY_MS
    numbers: list[str] = []
    script: list[Any] = []
    for action, which in steps:
        if action == "wait":
            now_ms += which * 1000
            script.append(which)
        elif action == "quote":
            numbers.append(f"qte_{len(numbers)}")
            script.append(
                example(QuoteIssued, entity=numbers[-1], quote_id=numbers[-1], loan_id=f"loan_{which}", now_ms=now_ms,
                    lapses_ms=now_ms + DAY_S * 1000,
                )
            )  # fmt: skip
        elif action == "order":
            script.append((ordered_by(f"qte_{which}"),))
        else:
            script.append((cleared(f"loan_{'abc'[which % 3]}"),))

    outcomes = []
    for together in (True, False):
        NTH_FLOOR.append(len(NTH_FLOOR))
        another = type(harness)(
            harness.engine,
            FaultLayer(harness.layer.catalogue.values()),
            sandbox=structs.replace(harness.sandbox, id=f"sbx_{len(NTH_FLOOR)}", rules_version=0),
        )
        another.arm("drift", DRIFT, select={"max_active": most})
        if together:
            outcome = another.group(*script)
        else:
            outcome = []
            for step in script:
                another.layer = FaultLayer(harness.layer.catalogue.values())
                outcome += another.group(step)
                assert another.statuses().count("active") <= most
        outcomes.append(([item.total_minor for item in outcome], sorted(another.statuses())))

    assert outcomes[0] == outcomes[1]


NTH_FLOOR: list[int] = []
"""Each example has harnesses of its own, on one engine."""


def test_an_injection_of_another_process_ends_by_a_signal_in_this_one(harness: LayerHarness) -> None:
    harness.arm("drop", DROP)
    harness.group()
    this, other = harness.layer, FaultLayer(harness.layer.catalogue.values())

    harness.layer = other
    harness.meet(example(CallbackAttempt))
    harness.layer = this
    harness.hear(recorded("loan_ada"), applied("rpy_ada"))

    assert harness.statuses() == ["healed"]


def test_a_replaced_rule_counts_from_zero(harness: LayerHarness) -> None:
    harness.arm("lag", LAG, select={"times": 1})
    harness.meet(example(ViewRefresh))
    harness.arm("lag", LAG, select={"times": 1}, **{"with": {"lag_s": 5}})

    assert harness.meet(example(ViewRefresh, occurrence=3)).lag_s == 5


def test_the_injections_of_a_deleted_rule_still_end(harness: LayerHarness, another_layer: Callable[[], None]) -> None:
    harness.arm("mark", MARK)
    harness.meet(example(RepaymentFiled))
    harness.arm("mark", MARK, enabled=False)
    another_layer()

    assert harness.meet(example(RepaymentFiled, entity="rpy_next")).override_status is None
    harness.hear(recorded("loan_ada"))

    assert harness.statuses() == ["superseded"]
