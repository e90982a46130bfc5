"""Ada pays through the wallet, whose file breaks off."""

from support.paired_runs import Told


def story(told: Told) -> None:
    """She pays off; the next morning the statement is fetched."""
    told.paid_off(told.loan())
    told.client.advance("P1D")


def repair(told: Told) -> None:
    """The channel makes the file again."""
    told.client.remake_statement("wallet", "2026-01-05")
