"""A channel's statement of a day is in another encoding than it declares."""

from __future__ import annotations

from mocklend.seams.statement_made import StatementMade
from mocklend_faults.kinds.statement_reencoded import StatementReencoded
from support.events import example


def test_it_was_saved_as_something_else() -> None:
    assert StatementReencoded().statement_made(example(StatementMade)).recoded


def test_a_file_that_is_spoiled_already_is_not_opened() -> None:
    late = example(StatementMade, late_s=60)

    assert StatementReencoded().statement_made(late) is late
