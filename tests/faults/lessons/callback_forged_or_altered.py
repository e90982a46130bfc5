"""Ada pays off her loan, and the message that arrives is signed by somebody else."""

from support.paired_runs import Told


def story(told: Told) -> None:
    """She pays off through the wallet."""
    told.paid_off(told.loan())


def repair(told: Told) -> None:
    """Post nothing. The wallet tries again, and that message is its own."""
    told.client.advance("PT1H")
