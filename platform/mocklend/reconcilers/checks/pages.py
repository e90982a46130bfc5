"""Books against views: what the borrower is shown against what the books have."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from mocklend.reconcilers.evidence import Case, Evidence
from mocklend.reconcilers.found import Found

BOUND = timedelta(minutes=5)
"""How long a view may be behind before staff should rebuild it."""


def behind_the_books(evidence: Evidence) -> Iterator[Found]:
    """Views with an older version than the books. By the version this is not a lost payment."""
    for case in evidence.cases:
        books = case.books
        views = [("page", case.page), ("page", case.look_again()), ("list", case.listed), ("instalments", case.plan)]
        late = [(view, shown) for view, shown in views if shown["version"] < books["version"]]
        if late:
            difference = abs(case.page["outstanding_minor"] - books["outstanding_minor"])
            names = " and ".join(sorted({view for view, _ in late}))
            version = min(shown["version"] for _, shown in late)
            detail = f"{names}: version {version}, the books are at {books['version']}"
            yield case.found("stale_view", case.id, difference, _action(case), detail)


def wrong_amount(evidence: Evidence) -> Iterator[Found]:
    """Pages with the newest version and another amount than the books."""
    for case in evidence.cases:
        page, books = case.page, case.books
        wrong = abs(page["outstanding_minor"] - books["outstanding_minor"])
        if page["version"] == books["version"] and wrong:
            shown, owed = case.money(page["outstanding_minor"]), case.money(books["outstanding_minor"])
            detail = f"version {page['version']}: shown {shown}, owed {owed}"
            yield case.found("wrong_view", case.id, wrong, "refresh", detail)


def left_behind(evidence: Evidence) -> Iterator[Found]:
    """Loans whose next due date is past: an end of day should have handled them since, and has skipped them."""
    today = evidence.now.astimezone(evidence.zone).date()
    for case in evidence.cases:
        due = case.books["next_due"]
        if due is not None and date.fromisoformat(due["due_date"]) < today:
            detail = (
                f"{case.money(due['due_minor'])} was due on {due['due_date']}, and the books still wait for that day"
            )
            yield case.found("left_behind", case.id, 0, "catch_up", detail)


def _action(case: Case) -> str:
    as_of = datetime.fromisoformat(case.books["as_of"])
    return "refresh" if case.evidence.now - as_of > BOUND else "wait"
