"""The audit compares each payoff quote that is open or used with the books at the time of the quote."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from sqlalchemy import text

from mocklend.client import Doc
from support.story import Story


@pytest.fixture
def quoted(story: Story) -> Doc:
    """After twenty days Ada is quoted a fen less than what pays her loan off."""
    loan_id = story.borrow()
    story.wait(days=20)
    return _short_by(story, loan_id, 1)


def _short_by(story: Story, loan_id: str, drift_minor: int, **more: Any) -> dict[str, Any]:
    quote: Doc = dict(story.quote(loan_id, **more))
    quote["total_minor"] -= drift_minor
    sql = text("UPDATE quotes SET total_minor = :total_minor WHERE id = :id")
    story.platform.writer.call(lambda connection: connection.execute(sql, {"id": quote["id"], **_total(quote)}))
    return quote


def _total(quote: Mapping[str, Any]) -> dict[str, int]:
    return {"total_minor": quote["total_minor"]}


def _order_by(story: Story, quote: Mapping[str, Any]) -> str:
    repayment_id: str = story.order(quote["loan_id"], quote["total_minor"], "wallet", "CLEAR", quote_id=quote["id"])
    return repayment_id


def test_a_wrong_quote_that_lapses_unused_is_no_discrepancy(story: Story, quoted: dict[str, object]) -> None:
    assert story.discrepancies() == [("wrong_view", quoted["id"], 1)]

    story.wait(days=1)

    assert story.discrepancies() == []


def test_a_wrong_quote_that_was_paid_is_a_discrepancy_until_the_loan_is_paid_off(story: Story, quoted: Doc) -> None:
    _order_by(story, quoted)

    story.wait(days=400)

    assert story.page(quoted["loan_id"])["status"] == "OVD"
    assert story.discrepancies() == [("wrong_view", quoted["id"], 1)]

    story.edit(quoted["loan_id"], 1, "MODIFY_REVOKE_AMOUNT")

    assert story.page(quoted["loan_id"])["status"] == "CLEAR"
    assert story.discrepancies() == []


def test_a_loan_that_was_paid_off_once_ends_the_discrepancy_of_its_quote(story: Story, quoted: Doc) -> None:
    repayment_id = _order_by(story, quoted)
    story.wait(5)
    story.edit(quoted["loan_id"], 1, "MODIFY_REVOKE_AMOUNT")

    story.reverse(repayment_id)

    assert story.page(quoted["loan_id"])["status"] == "USING"
    assert story.discrepancies() == []


def test_later_events_do_not_make_a_quote_wrong(story: Story) -> None:
    loan_id = story.borrow()
    story.wait(days=20)
    late = story.order(loan_id, 2_000)
    story.settle_silently(late)
    quote = story.quote(loan_id)
    _order_by(story, quote)

    story.edit(loan_id, 700)
    story.platform.run(story.callback(late))  # Its money came before the quote, and the books hear of it behind it.
    story.wait(5)

    assert story.discrepancies() == []


@pytest.mark.parametrize("on", [None, date(2026, 1, 20), date(2026, 2, 20)])
def test_a_right_quote_is_right_before_and_after_a_due_date(story: Story, on: date | None) -> None:
    loan_id = story.borrow(99_999)
    story.repay(loan_id, 777)
    story.quote(loan_id, on=on)

    for _ in range(4):
        assert story.discrepancies() == []
        story.wait(days=9)


def test_only_payoff_quotes_are_checked(story: Story) -> None:
    loan_id = story.borrow()

    _short_by(story, loan_id, 1, type="OVD_AND_CURRENT")

    assert story.discrepancies() == []
