"""A channel's statement of a day is ready hours late."""

from __future__ import annotations

from mocklend.seams.statement_made import StatementMade
from mocklend_faults.kinds.statement_late import HOUR_MS, StatementLate
from support.events import example
from support.layer_harness import LayerHarness


def test_the_statement_is_hours_late() -> None:
    outcome = StatementLate(late_hours=6).statement_made(example(StatementMade))

    assert outcome.late_s == 6 * 3600


def test_a_request_after_the_delay_gets_the_statement() -> None:
    event = example(StatementMade, due_ms=example(StatementMade).now_ms - 6 * HOUR_MS)

    assert StatementLate(late_hours=6).statement_made(event) is event


def test_it_heals_when_the_late_statement_is_ready(harness: LayerHarness) -> None:
    harness.arm("job", "statement.late", **{"with": {"late_hours": 2}})
    harness.meet(example(StatementMade))
    assert harness.statuses() == ["active"]

    harness.later(3600)

    assert harness.statuses() == ["healed"]
