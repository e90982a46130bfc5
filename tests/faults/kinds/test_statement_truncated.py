"""A channel's statement of a day ends too early."""

from __future__ import annotations

from mocklend.seams.signals import remade
from mocklend.seams.statement_made import StatementMade
from mocklend_faults.kinds.statement_truncated import StatementTruncated
from support.events import example
from support.layer_harness import LayerHarness


def test_the_statement_breaks_off() -> None:
    assert StatementTruncated(kept_percent=40).statement_made(example(StatementMade)).kept_percent == 40


def test_making_the_statement_again_heals_it(harness: LayerHarness) -> None:
    harness.arm("disk", "statement.truncated")
    harness.meet(example(StatementMade))
    [entry] = harness.key()
    assert (entry.status, entry.finding.finding_class) == ("active", "wrong_statement")

    harness.hear(remade("wallet.2026-01-04.CNY"))

    assert harness.statuses() == ["healed"]


def test_a_statement_has_one_defect_at_a_time(harness: LayerHarness) -> None:
    harness.arm("a", "statement.truncated")
    harness.arm("b", "statement.reencoded")
    harness.arm("c", "statement.duplicated_rows")
    harness.arm("d", "statement.late")

    harness.meet(example(StatementMade))

    assert [entry.rule for entry in harness.key()] == ["a"]
