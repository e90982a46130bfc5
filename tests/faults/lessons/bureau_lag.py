"""Ada pays off her loan, and the bureau has not published that three days later."""

from support.paired_runs import StoryRun


def story(run: StoryRun) -> None:
    """Her loan is paid off after a day, and time passes."""
    loan = run.loan()
    run.client.advance("P1D")
    run.paid_off(loan)
    run.client.advance("P3D")


def repair(run: StoryRun) -> None:
    """Escalate, and wait: the file itself is right."""
    run.client.advance("P14D")
