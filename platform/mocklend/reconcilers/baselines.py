"""Two trivial reconcilers: one reports nothing, one reports every loan. A score that they could win is worth nothing.

The second reports every loan under every class of break.
"""

from __future__ import annotations

from mocklend.client import Client
from mocklend.domain.finding import CLASSES
from mocklend.reconcilers.found import Found


def empty(client: Client) -> list[Found]:
    """Report nothing."""
    return []


def all_loans(client: Client) -> list[Found]:
    """Report every loan under every class."""
    return [
        Found(
            finding_class, loan["id"], loan["id"], loan["outstanding_minor"], "look", "every loan is suspect",
            currency=loan["currency"],
        )
        for loan in client.every("loans")
        for finding_class in CLASSES
    ]  # fmt: skip
