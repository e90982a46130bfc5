"""A channel's statement of a day is in another encoding than it declares."""

from __future__ import annotations

from mocklend.seams.statement_made import StatementMade
from mocklend_faults.kinds.statement_reencoded import StatementReencoded
from support.events import example


def test_the_statement_is_in_another_encoding() -> None:
    assert StatementReencoded().statement_made(example(StatementMade)).recoded


def test_a_statement_with_another_defect_is_unchanged() -> None:
    late = example(StatementMade, late_s=60)

    assert StatementReencoded().statement_made(late) is late
