"""Books against views: what the borrower is shown, and what is true by the books."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from mocklend.reconcilers.evidence import Case, Evidence
from mocklend.reconcilers.found import Found

BOUND = timedelta(minutes=5)
"""For how long a view may be behind before somebody should have it made anew."""


def behind_the_books(evidence: Evidence) -> Iterator[Found]:
    """A view shows an older version than the books are at. The version tells it apart from a lost payment."""
    for case in evidence.cases:
        books = case.books
        seen = [("page", case.page), ("page", case.look_again()), ("list", case.listed), ("instalments", case.plan)]
        late = [(view, shown) for view, shown in seen if shown["version"] < books["version"]]
        if late:
            owed = abs(case.page["outstanding_minor"] - books["outstanding_minor"])
            which = " and ".join(sorted({view for view, _ in late}))
            version = min(shown["version"] for _, shown in late)
            detail = f"{which}: version {version}, the books are at {books['version']}"
            yield Found("stale_view", case.id, case.id, owed, _waited(case), detail)


def other_than_its_version(evidence: Evidence) -> Iterator[Found]:
    """The page shows the newest version, and another amount than that version has."""
    for case in evidence.cases:
        page, books = case.page, case.books
        wrong = abs(page["outstanding_minor"] - books["outstanding_minor"])
        # Interest that has been earned since is on neither, where both are of one version and one moment.
        if page["version"] == books["version"] and page["as_of"] == books["as_of"] and wrong:
            detail = f"version {page['version']}: shown {page['outstanding_minor']}, owed {books['outstanding_minor']}"
            yield Found("wrong_view", case.id, case.id, wrong, "refresh", detail)


def _waited(case: Case) -> str:
    made = datetime.fromisoformat(case.books["as_of"])
    return "refresh" if case.evidence.now - made > BOUND else "wait"
