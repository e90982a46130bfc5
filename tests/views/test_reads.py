"""Lists: every entry once, whatever the size of a page."""

from __future__ import annotations

import pytest

from mocklend.domain.problems import Refused
from mocklend.ledger import listing
from mocklend.lending.books import terms_of
from mocklend.views import reads
from support.story import Story


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 7])
def test_loans_are_listed_once_each_page_by_page(story: Story, limit: int) -> None:
    loan_ids = {story.borrow(reference=f"loan-{n}") for n in range(5)}

    listed_ids: list[str] = []
    after: str | None = ""
    with story.platform.read() as connection:
        while after is not None:
            page = reads.loans(story.snapshot(connection), after=after, limit=limit)
            listed_ids += [loan["id"] for loan in page["loans"]]
            after = reads.after_cursor("loans.id", page["next_cursor"]) if page["next_cursor"] else None

    assert len(listed_ids) == 5
    assert set(listed_ids) == loan_ids


@pytest.mark.parametrize("limit", [1, 3, 4, 100])
def test_the_journal_is_listed_once_page_by_page(story: Story, limit: int) -> None:
    loans = [story.borrow(reference=f"loan-{n}") for n in range(2)]
    story.settle(loans[0])

    loan_ids: list[str] = []
    after: str | None = ""
    with story.platform.read() as connection:
        while after is not None:
            page = listing.transactions(story.snapshot(connection), after=after, limit=limit)
            loan_ids += [transaction["id"] for transaction in page["transactions"]]
            after = reads.after_cursor("journal.chain", page["next_cursor"]) if page["next_cursor"] else None

    assert loan_ids == [t["id"] for loan_id in sorted(loans) for t in story.journal(loan_id)]
    assert len(loan_ids) == 7


def test_a_borrowers_loans_are_theirs(story: Story) -> None:
    mine, theirs = story.borrow(), story.borrow(borrower="bob")
    borrower_id = story.page(mine)["borrower_id"]

    with story.platform.read() as connection:
        loans_read = reads.loans(story.snapshot(connection), borrower_id=borrower_id)["loans"]

    assert [loan["id"] for loan in loans_read] == [mine]
    assert theirs != mine


def test_repayments_and_edits_of_a_loan_are_listed(story: Story) -> None:
    loan_id = story.borrow()
    paid = {story.repay(loan_id, amount) for amount in (100, 200, 300)}
    edited = [story.edit(loan_id, amount) for amount in (10, 20)]

    with story.platform.read() as connection:
        first, cursor = reads.repayments(story.snapshot(connection), loan_id, limit=2)
        rest, end = reads.repayments(
            story.snapshot(connection), loan_id, after=reads.after_cursor("repayments", cursor or ""), limit=2
        )
        edits = reads.edits(story.snapshot(connection), loan_id)

    assert {item.id for item in [*first, *rest]} == paid
    assert (len(first), len(rest), end) == (2, 1, None)
    assert [edit.id for edit in edits] == edited


@pytest.mark.parametrize(
    "text", ["\u00e9", "a", "____", "\ud800", reads.cursor("edits", "x"), reads.cursor("loans", "")]
)
def test_a_foreign_cursor_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="validation_failed"):
        reads.after_cursor("loans", text)


@pytest.mark.parametrize(
    "after", ["loan_x", "loan_x/", "loan_x/-1", "loan_x/" + "9" * 19, "/x", "loan_x/\u0661", "loan_x/\u00b2"]
)
def test_an_invalid_place_in_the_journal_is_refused(story: Story, after: str) -> None:
    with story.platform.read() as connection, pytest.raises(Refused, match="validation_failed"):
        listing.transactions(story.snapshot(connection), after=after)


def test_instalments_add_up_to_the_page(story: Story) -> None:
    loan_id = story.borrow()
    story.wait(days=40)
    story.repay(loan_id, 12_000)
    story.edit(loan_id, 500)

    with story.platform.read() as connection:
        lines = reads.instalments(story.snapshot(connection), loan_id, terms_of)["instalments"]

    page = story.page(loan_id)
    assert sum(line["principal_minor"] for line in lines) == page["principal_minor"]
    assert sum(line["paid_minor"] for line in lines) == page["paid_minor"] == 12_000
    assert lines[0]["status"] == "CLEAR"
    assert [line["status"] for line in lines[2:]] == ["PENDING"] * 10
    assert page["next_due"]["due_minor"] == lines[1]["due_minor"] - lines[1]["paid_minor"]


def test_what_is_due_next_is_what_settles_it_on_that_day(story: Story) -> None:
    loan_id = story.borrow()
    due = story.page(loan_id)["next_due"]
    assert due["due_date"] == "2026-02-05"

    story.wait(days=31)

    assert story.quote(loan_id, "OVD_AND_CURRENT")["total_minor"] == due["due_minor"]
