"""Ada's app looks at her loan, and has less patience than the answer needs."""

from support.paired_runs import Told

SETTINGS = {"delay_ms": 600}
MATCH = {"operation": "getLoan"}
SELECT = {"times": 1}


def story(told: Told) -> None:
    """Her app waits a quarter of a second, once, and looks again with more patience."""
    loan = told.loan()
    patience, told.client.timeout_s = told.client.timeout_s, 0.25
    told.note("answer", lambda: told.client.loan(loan))
    told.client.timeout_s = patience
    told.note("page", lambda: told.client.loan(loan))
