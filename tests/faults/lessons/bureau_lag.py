"""Ada pays off her loan, and the bureau has not published that three days later."""

from support.paired_runs import Told


def story(told: Told) -> None:
    """Her loan is paid off after a day, and time passes."""
    loan = told.loan()
    told.client.advance("P1D")
    told.paid_off(loan)
    told.client.advance("P3D")


def repair(told: Told) -> None:
    """Escalate, and wait: the file itself is right."""
    told.client.advance("P14D")
