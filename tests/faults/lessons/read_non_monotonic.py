"""Ada pays off her loan and reloads the page: settled, unpaid, settled."""

from support.paired_runs import Told


def story(told: Told) -> None:
    """She pays off through the wallet, and reads the page twice."""
    loan = told.loan()
    told.paid_off(loan)
    told.note("page", lambda: told.client.loan(loan))
    told.note("page", lambda: told.client.loan(loan))


def repair(told: Told) -> None:
    """Keep to the newest version that was seen, until the second replica has it too."""
    told.client.advance("PT5M")
