"""Ada looks at her loan, and the connection is closed, and not a byte has come: that is what she is answered."""

from typing import Any

MATCH = {"operation": "getLoan"}
SELECT = {"times": 1}


def story(told: Any) -> None:
    """She looks at her loan, and looks again."""
    loan = told.loan()
    told.note("answer", lambda: told.client.loan(loan))
    told.note("page", lambda: told.client.loan(loan))


def repair(told: Any) -> None:
    """It was over by itself."""
    told.client.audit()
