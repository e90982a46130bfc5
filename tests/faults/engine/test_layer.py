"""The layer as the platform meets it: whom a rule hits, what is counted, and what survives a failed commit."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from sqlalchemy import event

from mocklend.seams import OperatorEdit, ViewRefresh, applied, cleared, ordered_by, recorded, shown
from mocklend.storage.engines import open_engine, reading, writing
from mocklend_faults.engine import FaultLayer, counters
from mocklend_faults.engine.commands import PatchRule
from mocklend_faults.engine.counting import tallies
from mocklend_faults.engine.deciding import FaultBroke
from mocklend_faults.engine.fault import Fault
from mocklend_faults.engine.loaded_rules import RulesInMemory, stored_of, usable
from mocklend_faults.kinds.cache_bounded_stale import BoundedStale
from support.events import Events
from support.layer_harness import LayerHarness

DRIFT = "amount.rounding_drift"
MONDAY_MS = 1_767_578_400_000
LAG, DROP, SLIP, MARK = "cache.bounded_stale", "callback.dropped", "operator.wrong_amount", "operator.marked_overdue"


def counted(floor: LayerHarness, rule: str) -> tuple[int, int, int, int]:
    """Evaluated, matched, selected, injected: as the database has them, once they are wanted."""
    if floor.layer.write_counts(floor.sandbox.id):
        floor.group()
    with reading(floor.engine) as connection:
        stored = stored_of(connection, floor.sandbox.id)
        of_rule = tallies(connection, floor.sandbox.id, stored, usable(stored, floor.layer.catalogue))[rule]
    return of_rule.evaluated, of_rule.matched, of_rule.selected, of_rule.injected


def loans(events: Events, count: int) -> list[ViewRefresh]:
    return [events.refresh(entity=f"loan_{n}", loan_id=f"loan_{n}") for n in range(count)]


def test_with_no_rule_everything_is_honest_and_nothing_is_asked(floor: LayerHarness, events: Events) -> None:
    assert floor.meet(events.refresh()) == events.refresh()
    assert not floor.armed(floor.sandbox.id)


def test_a_rule_acts_from_the_next_group_on(floor: LayerHarness, events: Events) -> None:
    floor.arm("lag", LAG)

    assert floor.meet(events.refresh()).lag_s == 60
    assert floor.armed(floor.sandbox.id)


def test_a_rule_acts_only_at_the_seams_of_its_fault(floor: LayerHarness, events: Events) -> None:
    floor.arm("lag", LAG)

    assert floor.group(events.attempt(), events.edit(), events.filed()) == [
        events.attempt(),
        events.edit(),
        events.filed(),
    ]


def test_a_stored_rule_that_is_refused_by_now_does_not_act_and_the_others_do(
    floor: LayerHarness, events: Events, another_layer: Callable[[], None], capsys: pytest.CaptureFixture[str]
) -> None:
    floor.arm("lag", LAG)
    floor.arm("old", LAG, match={"loan_id": {"matches": "loan_x"}})
    with floor.engine.begin() as connection:  # As a version stored it that took look-around.
        connection.exec_driver_sql("UPDATE rulesets SET doc = replace(doc, 'loan_x', '(?=l)loan_x')")
    another_layer()

    assert floor.meet(events.refresh()).lag_s == 60
    said = capsys.readouterr()
    assert "a stored rule is refused" in said.out + said.err
    assert "old" in said.out + said.err


def test_a_rule_acts_within_its_window(floor: LayerHarness, events: Events) -> None:
    floor.arm("lag", LAG, activate={"start_delay_s": 10, "duration_s": 10})

    lags = []
    for version in range(2, 5):
        lags.append(floor.meet(events.refresh(occurrence=version)).lag_s)
        floor.later(10)

    assert lags == [0, 60, 0]


def test_counters_say_where_an_event_was_let_go(floor: LayerHarness, events: Events) -> None:
    floor.arm("slip", SLIP, match={"operator": "wang"}, select={"skip_first": 1})

    floor.meet(events.edit(occurrence=1, operator="li"))  # evaluated
    floor.meet(events.edit(occurrence=2))  # and matched
    floor.meet(events.edit(occurrence=3, amount_minor=5))  # and selected
    floor.meet(events.edit(occurrence=4))  # and injected

    assert counted(floor, "slip") == (4, 3, 2, 1)


def test_counters_are_the_same_in_one_group_and_after_a_restart(
    floor: LayerHarness, events: Events, another_layer: Callable[[], None]
) -> None:
    floor.arm("lag", LAG, select={"times": 3})
    floor.group(*loans(events, 2))
    another_layer()

    happened = floor.group(*loans(events, 9)[2:])

    assert [one.lag_s for one in happened] == [60, 0, 0, 0, 0, 0, 0]
    assert counted(floor, "lag") == (9, 9, 3, 3)


def test_a_group_that_fails_leaves_no_trace(floor: LayerHarness, events: Events) -> None:
    floor.arm("lag", LAG, select={"times": 1, "times_per": {"entity": 1}})

    floor.group(events.refresh(), fail=True)
    again = floor.meet(events.refresh())

    assert again.lag_s == 60
    assert counted(floor, "lag") == (1, 1, 1, 1)
    assert len(floor.key()) == 1


def test_a_group_that_was_told_to_have_failed_and_had_happened_counts_for_the_limits(
    floor: LayerHarness, events: Events
) -> None:
    """The connection ends between a commit and its answer: only the database knows which of the two it was."""

    def cut(connection: Any) -> None:
        connection.connection.driver_connection.commit()
        raise ConnectionError("the connection ended")

    floor.arm("lag", LAG, select={"times": 1})
    event.listen(floor.engine, "commit", cut)
    floor.group(events.refresh())
    event.remove(floor.engine, "commit", cut)

    again = events.refresh(entity="loan_2", loan_id="loan_2")
    assert floor.meet(again) == again
    assert len(floor.key()) == 1
    assert counted(floor, "lag")[3] == 1


def test_a_group_that_is_thrown_away_changes_nothing_that_others_see(floor: LayerHarness, events: Events) -> None:
    """Neither metrics nor the trail nor the counts of requests: there is nothing to put back."""
    floor.arm("slow", "transport.latency", match={"entity": "nobody"})
    floor.arm("lag", LAG)
    floor.group()
    floor.layer.may_affect(events.seen())
    floor.layer.write_counts(floor.sandbox.id)
    before = (floor.layer.counted_outcomes(), len(floor.layer.events_of(floor.sandbox.id)))

    with writing(floor.engine) as connection:
        group = floor.layer.group(connection, [(floor.sandbox.id, floor.sandbox.rules_version)])
        group.at(floor.context, events.refresh())
        written = [(name, row["evaluated"]) for name, row in group.finish()]

    assert written == [("rule_counts.add", 1), ("seam_counts.add", 1)]
    assert (floor.layer.counted_outcomes(), len(floor.layer.events_of(floor.sandbox.id))) == before
    assert counted(floor, "lag") == (0, 0, 0, 0)
    assert counted(floor, "slow")[0] == 1


def test_times_per_entity_is_remembered_over_a_restart(
    floor: LayerHarness, events: Events, another_layer: Callable[[], None]
) -> None:
    floor.arm("lag", LAG, select={"times_per": {"entity": 2}})
    lags = [floor.meet(events.refresh(occurrence=version)).lag_s for version in (2, 3)]
    another_layer()

    lags += [floor.meet(events.refresh(occurrence=version)).lag_s for version in (4, 5)]

    assert lags == [60, 60, 0, 0]
    assert floor.meet(events.refresh(entity="loan_bob", loan_id="loan_bob")).lag_s == 60


def test_max_active_waits_until_a_lie_has_ended(floor: LayerHarness, events: Events) -> None:
    floor.arm("lag", LAG, select={"max_active": 1})
    ada, bob, eve = loans(events, 3)

    assert [one.lag_s for one in floor.group(ada, bob)] == [60, 0]
    floor.hear(shown(ada.entity))
    assert floor.meet(bob).lag_s == 60
    assert floor.meet(eve).lag_s == 0
    floor.later(60)
    assert floor.meet(replace(eve, occurrence=3)).lag_s == 60


def test_max_active_hears_what_ends_within_the_group(floor: LayerHarness, events: Events) -> None:
    floor.arm("lag", LAG, select={"max_active": 1})
    ada, bob, _ = loans(events, 3)

    assert [one.lag_s for one in floor.group(ada, (shown(ada.entity),), bob)] == [60, 60]


DAY_S = 86_400


def quotes(events: Events, *who: str) -> list[Any]:
    """Quotes that lapse after a day."""
    return [
        events.quoted(
            entity=f"qte_{name}", quote_id=f"qte_{name}", loan_id=f"loan_{name}", lapses_ms=MONDAY_MS + DAY_S * 1000
        )
        for name in who
    ]


def test_max_active_counts_what_does_not_end_by_itself_any_more(floor: LayerHarness, events: Events) -> None:
    """A wrong quote ends when it lapses, unless somebody orders by it; then it stays, though the group goes on."""
    floor.arm("drift", DRIFT, select={"max_active": 1})
    ada, bob = quotes(events, "ada", "bob")
    bob = replace(bob, lapses_ms=MONDAY_MS + 9 * DAY_S * 1000)
    floor.meet(ada)

    assert floor.group((ordered_by("qte_ada"),), 2 * DAY_S, bob) == [bob]

    assert floor.meet(bob) == bob
    assert floor.statuses() == ["active"]
    floor.hear(cleared("loan_ada"))
    assert floor.meet(bob) != bob


def test_max_active_does_not_bring_back_what_had_ended(floor: LayerHarness, events: Events) -> None:
    floor.arm("drift", DRIFT, select={"max_active": 1})
    ada, bob = quotes(events, "ada", "bob")
    bob = replace(bob, lapses_ms=MONDAY_MS + 9 * DAY_S * 1000)
    floor.meet(ada)

    [told] = floor.group(2 * DAY_S, (ordered_by("qte_ada"),), bob)

    assert told != bob
    assert floor.statuses() == ["healed", "active"]


@pytest.mark.parametrize("signal", [ordered_by("qte_ada"), cleared("loan_ada")])
def test_a_signal_does_not_change_how_a_lie_had_ended_by_itself(
    floor: LayerHarness, events: Events, signal: str
) -> None:
    floor.arm("drift", DRIFT)
    floor.meet(quotes(events, "ada")[0])
    floor.later(2 * DAY_S)
    ended = floor.key()
    assert [(one.status, one.ended_by) for one in ended] == [("healed", "itself")]

    floor.hear(signal)

    assert floor.key() == ended


STEPS = st.lists(
    st.tuples(st.just("quote"), st.sampled_from("abc"))
    | st.tuples(st.sampled_from(["order", "clear"]), st.integers(0, 5))
    | st.tuples(st.just("wait"), st.sampled_from([3_600, DAY_S // 2, DAY_S, 2 * DAY_S])),
    max_size=12,
)


@settings(max_examples=60)
@given(steps=STEPS, most=st.integers(1, 2))
def test_what_max_active_lets_through_does_not_hang_on_who_shares_a_group(
    floor: LayerHarness, events: Events, steps: list[tuple[str, Any]], most: int
) -> None:
    """One group for all, and one for each, a process for each: the same quotes are wrong, and never too many."""
    now_ms = MONDAY_MS
    told: list[str] = []
    script: list[Any] = []
    for what, which in steps:
        if what == "wait":
            now_ms += which * 1000
            script.append(which)
        elif what == "quote":
            told.append(f"qte_{len(told)}")
            script.append(
                events.quoted(
                    entity=told[-1], quote_id=told[-1], loan_id=f"loan_{which}", now_ms=now_ms,
                    lapses_ms=now_ms + DAY_S * 1000,
                )
            )  # fmt: skip
        elif what == "order":
            script.append((ordered_by(f"qte_{which}"),))
        else:
            script.append((cleared(f"loan_{'abc'[which % 3]}"),))

    outcomes = []
    for together in (True, False):
        NTH_FLOOR.append(len(NTH_FLOOR))
        another = type(floor)(
            floor.engine,
            FaultLayer(floor.layer.catalogue.values()),
            sandbox=structs.replace(floor.sandbox, id=f"sbx_{len(NTH_FLOOR)}", rules_version=0),
        )
        another.arm("drift", DRIFT, select={"max_active": most})
        if together:
            happened = another.group(*script)
        else:
            happened = []
            for step in script:
                another.layer = FaultLayer(floor.layer.catalogue.values())
                happened += another.group(step)
                assert another.statuses().count("active") <= most
        outcomes.append(([one.total_minor for one in happened], sorted(another.statuses())))

    assert outcomes[0] == outcomes[1]


NTH_FLOOR: list[int] = []
"""Each example has floors of its own, on one engine."""


def test_a_rule_that_is_passed_over_counts_like_one_that_is_asked(floor: LayerHarness, events: Events) -> None:
    floor.arm("found", LAG, match={"loan_id": "loan_1"})
    floor.arm("asked", LAG, match={"loan_id": {"matches": "loan_1"}})

    floor.group(*loans(events, 4))
    floor.group(*loans(events, 1))

    assert counted(floor, "found")[:2] == counted(floor, "asked")[:2] == (5, 1)


def test_a_rule_is_passed_over_only_while_it_is_on(floor: LayerHarness, events: Events) -> None:
    floor.arm("early", LAG, match={"loan_id": "nobody"})
    floor.group(*loans(events, 2))
    floor.arm("late", LAG, match={"loan_id": "nobody"})
    floor.group(*loans(events, 3))
    floor.run(PatchRule(floor.sandbox.id, "early", enabled=False))
    floor.group(*loans(events, 4))
    floor.run(PatchRule(floor.sandbox.id, "early", enabled=True))
    floor.group(*loans(events, 5))

    assert counted(floor, "early")[0] == 2 + 3 + 5
    assert counted(floor, "late")[0] == 3 + 4 + 5


def idle(floor: LayerHarness, events: Events, count: int) -> list[tuple[str, int]]:
    """What is written of the counts after so many events that 20 rules were passed over for."""
    for n in range(20):
        floor.arm(f"idle-{n}", LAG, match={"loan_id": "nobody"})
    floor.group(*loans(events, count))
    return [(name, row["evaluated"]) for name, row in floor.counters]


def test_idle_rules_cost_no_row_until_somebody_wants_to_know_and_then_one_a_seam(
    floor: LayerHarness, events: Events
) -> None:
    assert idle(floor, events, 4) == []

    assert floor.layer.write_counts(floor.sandbox.id)
    floor.group()
    assert [(name, row["evaluated"]) for name, row in floor.counters] == [("seam_counts.add", 4)]
    floor.layer.write_counts(floor.sandbox.id)
    floor.group()
    assert not floor.counters, "all of it is written"


def test_or_until_there_are_many(floor: LayerHarness, events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counters, "SKIPPED_MAX", 6)
    assert idle(floor, events, 5) == []

    floor.layer.may_affect(events.seen(entity="nobody's"))  # No rule is there, so this is none of them.
    floor.group(*loans(events, 1))
    assert not floor.counters
    floor.group()
    assert [(name, row["evaluated"]) for name, row in floor.counters] == [("seam_counts.add", 6)]


def test_or_until_the_platform_stops(floor: LayerHarness, events: Events) -> None:
    assert idle(floor, events, 3) == []

    assert [(name, row["evaluated"]) for name, row in floor.layer.drain()] == [("seam_counts.add", 3)]
    assert floor.layer.drain() == []


def test_what_a_failed_group_was_to_write_is_written_by_the_next(floor: LayerHarness, events: Events) -> None:
    idle(floor, events, 4)
    floor.layer.write_counts(floor.sandbox.id)

    floor.group(*loans(events, 2), fail=True)
    floor.group()

    assert [(name, row["evaluated"]) for name, row in floor.counters] == [("seam_counts.add", 4)]


def test_or_when_the_platform_stops_before_there_is_a_next(floor: LayerHarness, events: Events) -> None:
    idle(floor, events, 4)
    floor.layer.write_counts(floor.sandbox.id)

    floor.group(fail=True)

    assert [(name, row["evaluated"]) for name, row in floor.layer.drain()] == [("seam_counts.add", 4)]


def test_a_request_that_was_under_way_when_its_sandbox_was_emptied_is_counted_nowhere(
    floor: LayerHarness, events: Events
) -> None:
    floor.arm("down", DOWN, match={"entity": "nobody"})
    floor.group()
    floor.layer.sandbox_reset(floor.sandbox.id)

    assert not floor.layer.may_affect(events.seen())
    assert floor.layer.drain() == []
    assert not floor.layer.may_affect(events.seen())
    assert floor.layer.drain() == []


def test_a_lie_that_another_process_has_told_ends_by_what_this_one_hears(floor: LayerHarness, events: Events) -> None:
    floor.arm("drop", DROP)
    floor.group()
    this, other = floor.layer, FaultLayer(floor.layer.catalogue.values())

    floor.layer = other
    floor.meet(events.attempt())
    floor.layer = this
    floor.hear(recorded("loan_ada"), applied("rpy_ada"))

    assert floor.statuses() == ["healed"]


def test_what_waited_in_a_sandbox_that_is_emptied_is_not_written(floor: LayerHarness, events: Events) -> None:
    idle(floor, events, 4)
    floor.layer.write_counts(floor.sandbox.id)

    floor.layer.sandbox_reset(floor.sandbox.id)
    floor.group()

    assert not floor.counters
    assert floor.layer.drain() == []


def test_a_replaced_rule_counts_anew(floor: LayerHarness, events: Events) -> None:
    floor.arm("lag", LAG, select={"times": 1})
    floor.meet(events.refresh())
    floor.arm("lag", LAG, select={"times": 1}, **{"with": {"lag_s": 5}})

    assert floor.meet(events.refresh(occurrence=3)).lag_s == 5


def test_rules_act_in_the_order_of_their_ids_and_the_last_entry_tells_the_whole(
    floor: LayerHarness, events: Events
) -> None:
    floor.arm("b", LAG, **{"with": {"lag_s": 40}})
    floor.arm("a", LAG, **{"with": {"lag_s": 60}})

    assert floor.meet(events.refresh()).lag_s == 100

    first, last = floor.key()
    assert (first.rule, first.status) == ("a", "superseded")
    assert (last.rule, last.status, last.effect) == ("b", "active", "lag_s: 60 -> 100")
    assert last.to_json()["visible_until"] == "2026-01-05T02:01:40.000Z"
    assert first.to_json()["status_reason"] == f"a newer injection is shown instead: {last.injection}"


def test_a_second_slip_is_measured_against_what_was_meant(floor: LayerHarness, events: Events) -> None:
    floor.arm("a", SLIP, **{"with": {"slip": "yuan_for_fen"}})
    floor.arm("b", SLIP, **{"with": {"slip": "digits_swapped"}})

    assert floor.meet(events.edit(amount_minor=1_250)).amount_minor == 215_000

    first, last = floor.key()
    assert (first.status, last.status) == ("superseded", "active")
    assert last.finding.amount_minor == 215_000 - 1_250
    assert last.truth_after["amount_minor"] == 1_250


def test_two_slips_that_undo_each_other_are_no_lie(floor: LayerHarness, events: Events) -> None:
    floor.arm("a", SLIP)
    floor.arm("b", SLIP)

    assert floor.meet(events.edit(amount_minor=1_250)) == events.edit(amount_minor=1_250)

    assert floor.statuses() == ["superseded", "masked"]


def test_one_entry_at_most_is_open_for_a_class_and_an_entity(floor: LayerHarness, events: Events) -> None:
    floor.arm("mark", MARK)

    for n in range(2, 6):
        floor.meet(events.filed(entity=f"rpy_{n}", repayment_id=f"rpy_{n}", edit_id=f"edt_{n}"))

    assert floor.statuses() == ["superseded", "superseded", "superseded", "active"]


def test_a_rule_that_is_gone_still_lets_its_lies_end(
    floor: LayerHarness, events: Events, another_layer: Callable[[], None]
) -> None:
    floor.arm("mark", MARK)
    floor.meet(events.filed())
    floor.arm("mark", MARK, enabled=False)
    another_layer()

    assert floor.meet(events.filed(entity="rpy_next")).marked_status is None
    floor.hear(recorded("loan_ada"))

    assert floor.statuses() == ["superseded"]


def test_another_sandbox_does_not_notice(floor: LayerHarness, events: Events) -> None:
    floor.arm("lag", LAG)
    floor.meet(events.refresh())

    assert not floor.armed("sbx_other")


def test_an_injection_has_the_same_id_in_every_run(floor: LayerHarness, events: Events) -> None:
    floor.arm("lag", LAG)
    floor.meet(events.refresh())

    assert [entry.injection for entry in floor.key()] == ["inj_57smahcnb2rcwm6n7imq"]


# --- determinism ---


def story(events: Events, loan: int) -> list[Any]:
    """One loan's own story: six repayments, each seen at three seams. All of it happens at one moment."""
    id = f"loan_{loan}"
    steps: list[Any] = []
    for n in range(1, 7):
        steps += [
            events.attempt(entity=f"rpy_{loan}_{n}", repayment_id=f"rpy_{loan}_{n}", loan_id=id),
            (recorded(id),),
            events.refresh(entity=id, loan_id=id, occurrence=2 * n),
            events.filed(entity=f"rpy_{loan}_{n}", occurrence=1, loan_id=id, edit_id=f"edt_{loan}_{n}"),
            events.refresh(entity=id, loan_id=id, occurrence=2 * n + 1),
        ]
    return steps


def interleaved(stories: list[list[Any]], seed: int) -> list[Any]:
    """The stories, each in its own order, shuffled into each other as many clients would."""
    dice = random.Random(seed)
    left = [list(one) for one in stories]
    steps = []
    while any(left):
        steps.append(dice.choice([one for one in left if one]).pop(0))
    return steps


def arm_all(floor: LayerHarness, probability: float) -> None:
    for id, fault in (("lag", LAG), ("drop", DROP), ("mark", MARK)):
        floor.arm(id, fault, select={"probability": probability})


def test_the_answer_key_is_byte_equal_in_any_interleaving(tmp_path: Path, floor: LayerHarness, events: Events) -> None:
    keys = []
    for run, group_size in enumerate((1, 3, 16)):
        floor.engine = open_engine(f"sqlite:///{tmp_path}/run{run}.db", fast=True)
        floor.sandbox = structs.replace(floor.sandbox, rules_version=0)
        floor.layer = FaultLayer(floor.layer.catalogue.values())
        arm_all(floor, 0.5)
        steps = interleaved([story(events, loan) for loan in range(8)], run)

        for start in range(0, len(steps), group_size):
            floor.group(*steps[start : start + group_size])

        keys.append(orjson.dumps([entry.to_json() for entry in floor.key()]))
        floor.engine.dispose()
    assert len(orjson.loads(keys[0])) > 40
    assert keys[0] == keys[1] == keys[2]


def test_raising_the_probability_keeps_every_earlier_injection(
    tmp_path: Path, floor: LayerHarness, events: Events
) -> None:
    injected = []
    for run, probability in enumerate((0.1, 0.2)):
        floor.engine = open_engine(f"sqlite:///{tmp_path}/run{run}.db", fast=True)
        floor.sandbox = structs.replace(floor.sandbox, rules_version=0)
        floor.layer = FaultLayer(floor.layer.catalogue.values())
        arm_all(floor, probability)
        floor.group(*(step for loan in range(8) for step in story(events, loan)))
        injected.append({entry.injection for entry in floor.key()})
        floor.engine.dispose()

    assert injected[0] < injected[1]


@pytest.mark.parametrize(("fault", "event"), [(LAG, "refresh"), (DROP, "attempt"), (SLIP, "edit"), (MARK, "filed")])
def test_over_a_thousand_loans_each_fault_hits_about_half(
    floor: LayerHarness, events: Events, fault: str, event: str
) -> None:
    floor.arm("rule", fault, select={"probability": 0.5})

    floor.group(*(getattr(events, event)(entity=f"e{n}", loan_id=f"e{n}", **_own(event, n)) for n in range(1000)))

    assert abs(counted(floor, "rule")[3] / 1000 - 0.5) < 0.05


def _own(event: str, n: int) -> dict[str, str]:
    return {"refresh": {}, "attempt": {"repayment_id": f"r{n}"}}.get(event, {"edit_id": f"edt_{n}"})


# --- a fault that is wrong itself ---


@dataclass(frozen=True, slots=True)
class Raises(Fault):
    """It divides by zero."""

    name: ClassVar[str] = "test.raises"
    finding: ClassVar[str] = "stale_view"

    def view_refresh(self, given: ViewRefresh) -> ViewRefresh:
        return replace(given, lag_s=1 // given.lag_s)


@dataclass(frozen=True, slots=True)
class Meddles(Fault):
    """It changes whose edit it is."""

    name: ClassVar[str] = "test.meddles"
    finding: ClassVar[str] = "amount_mismatch"

    def operator_edit(self, given: OperatorEdit) -> OperatorEdit:
        return replace(given, loan_id="loan_bob")


@pytest.mark.parametrize(("kind", "event"), [(Raises, "refresh"), (Meddles, "edit")])
def test_a_fault_that_breaks_breaks_the_run_and_says_where(
    floor: LayerHarness, events: Events, kind: type[Fault], event: str
) -> None:
    floor.layer = FaultLayer([kind])
    floor.arm("broken", kind.name)

    with pytest.raises(FaultBroke, match=f"{kind.name} of rule broken .* of loan_ada, occurrence ., seed 7"):
        floor.meet(getattr(events, event)())


def test_a_rule_whose_kind_is_not_installed_does_not_act_and_does_no_harm(floor: LayerHarness, events: Events) -> None:
    floor.arm("lag", LAG)
    floor.layer = FaultLayer([Meddles])

    assert floor.meet(events.refresh()) == events.refresh()


def test_a_fault_acts_where_it_has_a_method_and_nowhere_else() -> None:
    assert Fault.seams() == ()
    assert BoundedStale.seams() == ("view.refresh",)


def told_by(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """The page's seam draws another consequence."""
    honest = ViewRefresh.consequence
    monkeypatch.setattr(ViewRefresh, "consequence", lambda self, happened: replace(honest(self, happened), **changes))


def test_a_lie_that_shows_later_is_pending_until_then(
    monkeypatch: pytest.MonkeyPatch, floor: LayerHarness, events: Events
) -> None:
    told_by(monkeypatch, from_ms=floor.now_ms + 30_000)
    floor.arm("lag", LAG)
    floor.meet(events.refresh())

    assert (floor.statuses(), floor.key()[0].open) == (["pending"], False)
    assert floor.key()[0].to_json()["visible_from"] == "2026-01-05T02:00:30.000Z"
    floor.later(30)
    assert (floor.statuses(), floor.key()[0].open) == (["active"], True)
    floor.later(30)
    assert floor.statuses() == ["healed"]


def test_one_wrong_answer_is_over_at_once_and_takes_no_other_lies_place(
    monkeypatch: pytest.MonkeyPatch, floor: LayerHarness, events: Events
) -> None:
    floor.arm("lag", LAG)
    floor.meet(events.refresh())
    told_by(monkeypatch, until_ms=floor.now_ms)

    floor.meet(events.refresh(occurrence=3))

    first, second = sorted(floor.key(), key=lambda one: one.occurrence)
    assert (first.status, second.status) == ("active", "healed")
    assert second.to_json()["status_reason"] == "one answer was wrong; a second look is right"


def test_what_the_platform_withstands_is_masked_and_says_why(
    monkeypatch: pytest.MonkeyPatch, floor: LayerHarness, events: Events
) -> None:
    told_by(monkeypatch, withstood="the page has a version")
    floor.arm("lag", LAG)

    floor.meet(events.refresh())

    [entry] = floor.key()
    assert (entry.status, entry.to_json()["status_reason"]) == ("masked", "the page has a version")


def test_a_kind_describes_itself(floor: LayerHarness) -> None:
    told = {name: kind.describe() for name, kind in floor.layer.catalogue.items()}

    assert told[LAG]["settings"] == [
        {
            "name": "lag_s",
            "type": "integer from 1 to 31536000",
            "default": 60,
            "doc": "How long the page stays behind the books.",
        }
    ]
    assert told[MARK]["seams"] == ["operator.edit", "repayment.filed"]
    assert told[DROP]["settings"][0]["default"] is None
    assert all(one["story"] and one["finding"] for one in told.values())


# --- events that come without a command: glanced at by any thread ---

DOWN, ANSWER = "outage.write_only", "api.answer"


def test_nobody_knows_whether_a_rule_listens_until_the_first_command(floor: LayerHarness) -> None:
    before = floor.layer.has_rules_at(floor.sandbox.id, ANSWER)
    floor.group()

    assert (before, floor.layer.has_rules_at(floor.sandbox.id, ANSWER)) == (None, False)


def test_nor_while_new_rules_are_being_loaded(floor: LayerHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request in another thread would go by uncounted, since the rules before did not listen."""
    floor.arm("lag", LAG)
    floor.group()
    heard: list[bool | None] = []
    load = RulesInMemory._load

    def looked_at(*given: Any) -> Any:
        heard.append(floor.layer.has_rules_at(floor.sandbox.id, ANSWER))
        loaded = load(*given)
        heard.append(floor.layer.has_rules_at(floor.sandbox.id, ANSWER))
        return loaded

    monkeypatch.setattr(RulesInMemory, "_load", looked_at)
    floor.arm("down", DOWN)
    floor.layer.invalidate_rules(floor.sandbox.id)
    floor.group()

    assert set(heard) == {None}
    assert floor.layer.has_rules_at(floor.sandbox.id, ANSWER)


def test_a_layer_listens_at_the_seams_of_its_rules_alone(floor: LayerHarness) -> None:
    floor.arm("down", DOWN)
    floor.group()

    assert floor.layer.has_rules_at(floor.sandbox.id, ANSWER)
    assert floor.layer.has_rules_at(floor.sandbox.id, "view.refresh") is False

    floor.layer.invalidate_rules(floor.sandbox.id)
    assert floor.layer.has_rules_at(floor.sandbox.id, ANSWER) is None


def test_a_glance_says_what_the_group_would_select(floor: LayerHarness, events: Events) -> None:
    floor.arm("down", DOWN, select={"probability": 0.5})
    floor.group()
    asked = [events.asked(entity=f"order-{n}") for n in range(200)]

    selected = [one for one in asked if floor.layer.may_affect(events.seen(entity=one.entity))]

    assert 60 < len(selected) < 140
    happened = floor.group(*asked)
    assert [one for one, given in zip(happened, asked, strict=True) if one != given] == [
        replace(one, answer_code="unavailable", retry_after_s=60, before_work=True) for one in selected
    ]


def test_a_rule_with_a_limit_wants_to_see_every_match_in_its_place(floor: LayerHarness, events: Events) -> None:
    floor.arm("down", DOWN, select={"probability": 0.000001, "skip_first": 1}, match={"plane": "v1"})
    floor.group()

    assert floor.layer.may_affect(events.seen())
    assert not floor.layer.may_affect(events.seen(plane="operator"))


def test_a_request_that_no_rule_is_about_is_counted_as_evaluated(floor: LayerHarness, events: Events) -> None:
    floor.arm("late", "transport.latency", match={"entity": "op-1"})
    floor.group()
    other, meant = events.seen(entity="op-2", now_ms=None), events.seen(entity="op-1", now_ms=None)

    glances = [floor.layer.may_affect(one) for one in (other, other, meant)]
    floor.meet(events.refresh())

    assert glances == [False, False, True]
    assert counted(floor, "late") == (2, 0, 0, 0)


@pytest.mark.parametrize(
    ("rule", "told"),
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
def test_without_the_clock_it_is_told_only_where_the_clock_says_nothing(
    floor: LayerHarness, events: Events, rule: dict[str, Any], told: bool
) -> None:
    floor.arm("down", DOWN, **rule)
    floor.group()

    assert floor.layer.may_affect(events.seen(now_ms=None)) is not told


def test_a_glance_keeps_to_the_window(floor: LayerHarness, events: Events) -> None:
    floor.arm("down", DOWN, activate={"start_delay_s": 10})
    floor.group()
    early = floor.layer.may_affect(events.seen(now_ms=floor.now_ms))
    floor.later(10)

    assert (early, floor.layer.may_affect(events.seen(now_ms=floor.now_ms))) == (False, True)


def test_what_was_glanced_at_is_counted_once_with_the_next_commit_even_after_a_failed_one(
    floor: LayerHarness, events: Events
) -> None:
    floor.arm("down", DOWN, match={"plane": "v1"}, select={"probability": 0})
    floor.group()
    for plane in ("v1", "v1", "operator"):
        assert not floor.layer.may_affect(events.seen(plane=plane))

    floor.group(events.refresh(), fail=True)
    floor.group(events.refresh())
    floor.group(events.refresh())

    assert counted(floor, "down") == (3, 2, 0, 0)


def test_each_entity_has_a_count_of_its_own_that_goes_on_after_a_restart(
    floor: LayerHarness, events: Events, another_layer: Callable[[], None]
) -> None:
    def nth(entity: str) -> int:
        seen = events.seen(entity=entity, occurrence=0)
        assert floor.layer.may_affect(seen)
        count: int = seen.occurrence
        return count

    floor.arm("down", DOWN)
    floor.group()
    counts = [nth("order-1"), nth("order-1"), nth("order-2")]
    floor.meet(events.asked(entity="order-1", occurrence=2))
    another_layer()
    floor.group()

    assert counts == [1, 2, 1]
    assert [nth("order-1"), nth("order-2")] == [3, 1]
