"""Ada asks for a fresh look, and the other lender looks at its old copy."""

from support.paired_runs import Told


def story(told: Told) -> None:
    """She applies twice, the second time with a fresh report; her loan has been paid off between."""
    loan = told.loan()
    told.client.advance("P3D")
    told.note("partner", lambda: told.client.apply("swift-card", told.borrowers[0], "card", 100_000))
    told.paid_off(loan)
    told.client.advance("P3D")
    told.note("partner", lambda: told.client.apply("swift-card", told.borrowers[0], "card", 100_000, refresh=True))


def repair(told: Told) -> None:
    """Apply again, with her letter."""
    told.client.apply("swift-card", told.borrowers[0], "card", 100_000, refresh=True)
