"""Books against views: what the borrower is shown, and what is true by the books."""

from __future__ import annotations

from collections.abc import Iterator

from mocklend.reconcilers.evidence import Evidence
from mocklend.reconcilers.found import Found


def behind_the_books(evidence: Evidence) -> Iterator[Found]:
    """The page shows an older version than the books are at. The version tells it apart from a lost payment."""
    for case in evidence.cases:
        page, books = case.page, case.books
        if page["version"] < books["version"]:
            owed = abs(page["outstanding_minor"] - books["outstanding_minor"])
            detail = f"the page shows version {page['version']} ({page['status']}), the books are at {books['version']}"
            yield Found("stale_view", case.id, case.id, owed, "wait", detail)
