"""Ada's app looks at her loan, and has less patience than the answer needs."""

from support.paired_runs import StoryRun

SETTINGS = {"delay_ms": 600}
MATCH = {"operation": "getLoan"}
SELECT = {"times": 1}


def story(run: StoryRun) -> None:
    """Her app waits a quarter of a second, once, and looks again with more patience."""
    loan = run.loan()
    patience, run.client.timeout_s = run.client.timeout_s, 0.25
    run.note("answer", lambda: run.client.loan(loan))
    run.client.timeout_s = patience
    run.note("page", lambda: run.client.loan(loan))
