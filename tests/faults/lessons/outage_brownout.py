"""Ada looks at her loan while everybody else does."""

from typing import Any

SETTINGS = {"delay_ms": 1, "errors_percent": 100}
MATCH = {"operation": "getLoan"}
SELECT = {"times": 1}


def story(told: Any) -> None:
    """She looks at her loan, and looks again."""
    loan = told.loan()
    told.note("answer", lambda: told.client.loan(loan))
    told.note("page", lambda: told.client.loan(loan))


def repair(told: Any) -> None:
    """The load is over."""
    told.client.audit()
