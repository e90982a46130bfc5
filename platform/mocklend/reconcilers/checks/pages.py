"""Books against views: what the borrower is shown, and what is true by the books."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

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


def left_behind(evidence: Evidence) -> Iterator[Found]:
    """What the books call due next is past: a run should have looked at the loan since, and has left it out."""
    today = evidence.now.astimezone(evidence.zone).date()
    for case in evidence.cases:
        due = case.books["next_due"]
        if due is not None and date.fromisoformat(due["due_date"]) < today:
            detail = f"{due['due_minor']} was due on {due['due_date']}, and the books still wait for that day"
            yield Found("left_behind", case.id, case.id, 0, "catch_up", detail)
