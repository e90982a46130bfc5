"""What needs no thought: reporting nothing, and reporting every loan. A score that either could win is worth nothing.

Who reports every loan does so under every class of break: nobody can say that he meant another one.
"""

from __future__ import annotations

from mocklend.client import Client
from mocklend.domain.finding import CLASSES
from mocklend.reconcilers.found import Found


def empty(client: Client) -> list[Found]:
    """Nothing is ever wrong."""
    return []


def all_loans(client: Client) -> list[Found]:
    """Everything is wrong with every loan."""
    return [
        Found(finding_class, loan["id"], loan["id"], loan["outstanding_minor"], "look", "every loan is suspect")
        for loan in client.every("loans")
        for finding_class in CLASSES
    ]
