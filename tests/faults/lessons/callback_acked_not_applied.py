"""Ada pays off her loan, the wallet is answered 200, and the books hear nothing of it."""

from support.paired_runs import Told


def story(told: Told) -> None:
    """She pays off through the wallet."""
    told.paid_off(told.loan())


def repair(told: Told) -> None:
    """Waiting does not help, since no retry comes. Ask the channel; post what it says."""
    told.client.advance("P4D")
    assert not told.client.audit()["clean"]
    told.client.query_repayment(told.repayments[0], operator="olga")
