"""A channel's file of a day comes hours after its time."""

from __future__ import annotations

from mocklend_faults.kinds.statement_late import HOUR_MS, StatementLate
from support.events import Events
from support.layer_harness import LayerHarness


def test_it_comes_hours_after_its_time(events: Events) -> None:
    happened = StatementLate(late_hours=6).statement_made(events.made())

    assert happened.late_s == 6 * 3600


def test_who_asks_when_it_is_there_sees_nothing_of_it(events: Events) -> None:
    made = events.made(due_ms=events.made().now_ms - 6 * HOUR_MS)

    assert StatementLate(late_hours=6).statement_made(made) is made


def test_time_heals_it_as_far_as_the_file_was_due(floor: LayerHarness, events: Events) -> None:
    floor.arm("job", "statement.late", **{"with": {"late_hours": 2}})
    floor.meet(events.made())
    assert floor.statuses() == ["active"]

    floor.later(3600)

    assert floor.statuses() == ["healed"]
