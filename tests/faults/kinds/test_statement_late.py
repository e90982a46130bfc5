"""A channel's statement of a day is ready hours late."""

from __future__ import annotations

from mocklend.seams.statement_made import StatementMade
from mocklend_faults.kinds.statement_late import HOUR_MS, StatementLate
from support.events import example
from support.layer_harness import LayerHarness


def test_it_comes_hours_after_its_time() -> None:
    outcome = StatementLate(late_hours=6).statement_made(example(StatementMade))

    assert outcome.late_s == 6 * 3600


def test_who_asks_when_it_is_there_sees_nothing_of_it() -> None:
    event = example(StatementMade, due_ms=example(StatementMade).now_ms - 6 * HOUR_MS)

    assert StatementLate(late_hours=6).statement_made(event) is event


def test_time_heals_it_as_far_as_the_file_was_due(floor: LayerHarness) -> None:
    floor.arm("job", "statement.late", **{"with": {"late_hours": 2}})
    floor.meet(example(StatementMade))
    assert floor.statuses() == ["active"]

    floor.later(3600)

    assert floor.statuses() == ["healed"]
