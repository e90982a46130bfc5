"""Ada settles early, and the money is booked as an instalment."""

from support.paired_runs import Told


def story(told: Told) -> None:
    """A payoff in the first month, paid to the cent."""
    loan = told.loan()
    told.client.advance("P10D")
    told.paid_off(loan)
    told.client.advance("PT1H")


def repair(told: Told) -> None:
    """Book it as the payoff that it was."""
    told.client.rebook_repayment(told.repayments[0], operator="olga", memo="it was a payoff")
