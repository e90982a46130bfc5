"""A channel's file of a day is in another encoding than it says."""

from __future__ import annotations

from typing import Any

from mocklend_faults.kinds.statement_reencoded import StatementReencoded


def test_it_was_saved_as_something_else(events: Any) -> None:
    assert StatementReencoded().statement_made(events.made()).recoded


def test_a_file_that_is_spoiled_already_is_not_opened(events: Any) -> None:
    late = events.made(late_s=60)

    assert StatementReencoded().statement_made(late) is late
