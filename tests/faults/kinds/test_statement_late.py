"""A channel's file of a day comes hours after its time."""

from __future__ import annotations

from typing import Any

from mocklend_faults.kinds.statement_late import HOUR_MS, StatementLate


def test_it_comes_hours_after_its_time(events: Any) -> None:
    happened = StatementLate(late_hours=6).statement_made(events.made())

    assert happened.late_s == 6 * 3600


def test_who_asks_when_it_is_there_sees_nothing_of_it(events: Any) -> None:
    made = events.made(due_ms=events.made().now_ms - 6 * HOUR_MS)

    assert StatementLate(late_hours=6).statement_made(made) is made


def test_time_heals_it_as_far_as_the_file_was_due(floor: Any, events: Any) -> None:
    floor.arm("job", "statement.late", **{"with": {"late_hours": 2}})
    floor.meet(events.made())
    assert floor.statuses() == ["active"]

    floor.later(3600)

    assert floor.statuses() == ["healed"]
