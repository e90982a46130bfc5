"""A channel's statement of a day ends too early."""

from __future__ import annotations

from mocklend.seams.signals import remade
from mocklend.seams.statement_made import StatementMade
from mocklend_faults.kinds.statement_truncated import StatementTruncated
from support.events import example
from support.layer_harness import LayerHarness


def test_the_statement_breaks_off() -> None:
    assert StatementTruncated(kept_percent=40).statement_made(example(StatementMade)).kept_percent == 40


def test_making_the_statement_again_heals_it(floor: LayerHarness) -> None:
    floor.arm("disk", "statement.truncated")
    floor.meet(example(StatementMade))
    [entry] = floor.key()
    assert (entry.status, entry.finding.finding_class) == ("active", "wrong_statement")

    floor.hear(remade("wallet.2026-01-04.CNY"))

    assert floor.statuses() == ["healed"]


def test_a_statement_has_one_defect_at_a_time(floor: LayerHarness) -> None:
    floor.arm("a", "statement.truncated")
    floor.arm("b", "statement.reencoded")
    floor.arm("c", "statement.duplicated_rows")
    floor.arm("d", "statement.late")

    floor.meet(example(StatementMade))

    assert [entry.rule for entry in floor.key()] == ["a"]
