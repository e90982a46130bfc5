"""A channel's file of a day is in another encoding than it says."""

from __future__ import annotations

from mocklend_faults.kinds.statement_reencoded import StatementReencoded
from support.events import Events


def test_it_was_saved_as_something_else(events: Events) -> None:
    assert StatementReencoded().statement_made(events.made()).recoded


def test_a_file_that_is_spoiled_already_is_not_opened(events: Events) -> None:
    late = events.made(late_s=60)

    assert StatementReencoded().statement_made(late) is late
