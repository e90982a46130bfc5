"""Books against views: what the borrower is shown, and what is true by the books."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

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
        if page["version"] == books["version"] and wrong:
            detail = f"version {page['version']}: shown {page['outstanding_minor']}, owed {books['outstanding_minor']}"
            yield Found("wrong_view", case.id, case.id, wrong, "refresh", detail)


def left_behind(evidence: Evidence) -> Iterator[Found]:
    """What the books call due next is past: a run should have looked at the loan since, and has left it out."""
    today = evidence.now.astimezone(evidence.zone).date()
    for case in evidence.cases:
        due = case.books["next_due"]
        if due is not None and date.fromisoformat(due["due_date"]) < today:
            detail = f"{due['due_minor']} was due on {due['due_date']}, and the books still wait for that day"
            yield Found("left_behind", case.id, case.id, 0, "catch_up", detail)


def _waited(case: Case) -> str:
    made = datetime.fromisoformat(case.books["as_of"])
    return "refresh" if case.evidence.now - made > BOUND else "wait"
