"""A channel's statement of a day contains some rows twice."""

from __future__ import annotations

import pytest

from mocklend.seams.statement_made import StatementMade
from mocklend_faults.kinds.statement_duplicated_rows import StatementDuplicatedRows
from support.events import example


@pytest.mark.parametrize(("expected", "there", "repeated"), [(1, 3, 1), (3, 3, 3), (10, 3, 3)])
def test_no_more_rows_are_repeated_than_there_are(expected: int, there: int, repeated: int) -> None:
    outcome = StatementDuplicatedRows(rows=expected).statement_made(example(StatementMade, rows=there))

    assert outcome.repeated_rows == repeated


def test_a_statement_without_rows_has_no_duplicates() -> None:
    empty = example(StatementMade, rows=0)

    assert StatementDuplicatedRows().statement_made(empty) is empty
