"""Ada settles early, and the money is booked as an instalment."""

from support.paired_runs import StoryRun


def story(run: StoryRun) -> None:
    """A payoff in the first month, paid to the cent."""
    loan = run.loan()
    run.client.advance("P10D")
    run.paid_off(loan)
    run.client.advance("PT1H")


def repair(run: StoryRun) -> None:
    """Book it as the payoff that it was."""
    run.client.rebook_repayment(run.repayments[0], operator="olga", memo="it was a payoff")
