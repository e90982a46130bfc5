"""Books against views: what the borrower is shown, and what is true by the books."""

from __future__ import annotations

from collections.abc import Iterator

from mocklend.reconcilers.evidence import Evidence
from mocklend.reconcilers.found import Found


def behind_the_books(evidence: Evidence) -> Iterator[Found]:
    """The page shows an older version than the books are at. The version tells it apart from a lost payment."""
    for case in evidence.cases:
        books = case.books
        # The page is read twice: two replicas may serve it.
        seen = (case.page, case.client_page(), case.listed)
        page = min(seen, key=lambda one: int(one["version"]))
        plan = case.plan["version"]
        if page["outstanding_minor"] != books["outstanding_minor"] and page["version"] == books["version"]:
            off = abs(page["outstanding_minor"] - books["outstanding_minor"])
            detail = f"version {page['version']} says {page['outstanding_minor']} outstanding"
            yield Found(
                "wrong_view", case.id, case.id, off, "refresh", f"{detail}, the books {books['outstanding_minor']}"
            )
        if min(page["version"], plan) < books["version"]:
            owed = abs(page["outstanding_minor"] - books["outstanding_minor"])
            detail = f"the page shows version {page['version']} ({page['status']}), the books are at {books['version']}"
            yield Found("stale_view", case.id, case.id, owed, "wait", detail)
