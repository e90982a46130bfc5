"""The score is refreshed monthly, and lenders keep copies of the report: so a wrong record outlives its correction."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from mocklend.bureau import Apply, AskScore
from mocklend.bureau.partners import PARTNERS, REASONS, ApplicationDoc, Rule, copy_doc, copy_id, reasons_against
from mocklend.bureau.scores import current_score
from mocklend.domain.problems import Refused
from mocklend.sandboxes.timestamps import parse_rfc3339
from mocklend.storage.entities import PartnerCopy
from mocklend.storage.values import ScoreDoc
from support.sql import change, rows
from support.story import Story


@pytest.fixture
def loan_id(story: Story) -> str:
    loan: str = story.borrow()
    return loan


def ada(story: Story) -> str:
    with story.platform.read() as connection:
        sql = "SELECT id FROM borrowers WHERE sandbox_id = :sandbox_id"
        return rows(connection, str, sql, sandbox_id=story.sandbox_id)[0]


def until(story: Story, moment: str) -> None:
    story.platform.advance(story.sandbox_id, parse_rfc3339(moment))


def score(story: Story) -> int | str:
    with story.platform.read() as connection:
        return current_score(story.snapshot(connection), ada(story))["score"]


def ask(story: Story, transaction_id: str) -> ScoreDoc:
    return story.run(AskScore(story.sandbox_id, ada(story), transaction_id), ScoreDoc)


def apply(
    story: Story,
    lender: str = "harbour-bank",
    product: str = "mortgage",
    amount: int = 10_000_000,
    refresh: bool = False,
) -> ApplicationDoc:
    command = Apply(story.sandbox_id, story.key(), lender, ada(story), product, amount, refresh)
    return story.run(command, ApplicationDoc)


# --- the score ---


def test_there_is_no_score_before_the_first_sixth(story: Story, loan_id: str) -> None:
    until(story, "2026-02-05T23:59:59.999+08:00")
    before = score(story)
    until(story, "2026-02-06T00:00:00+08:00")

    assert (before, score(story)) == ("N/A", 700)


def test_the_score_stays_as_it_is_until_the_next_sixth(story: Story, loan_id: str) -> None:
    scores_over_time = []
    for day in ("2026-02-06", "2026-02-10", "2026-03-05", "2026-03-06"):
        until(story, f"{day}T12:00:00+08:00")
        scores_over_time.append(score(story))

    assert scores_over_time == [700, 700, 700, 700 - 80 * 23 // 24]


def test_a_score_uses_the_report_at_the_time_of_its_refresh(story: Story, loan_id: str) -> None:
    until(story, "2026-03-06T12:00:00+08:00")
    ask(story, "t-1")
    assert story.discrepancies() == []

    lie = "UPDATE score_answers SET body = REPLACE(body, '624', '625') WHERE sandbox_id = ?"
    story.platform.writer.call(lambda c: change(c, lie, story.sandbox_id))

    assert [discrepancy[0] for discrepancy in story.discrepancies()] == ["wrong_bureau"]


def test_a_query_that_is_repeated_within_a_day_is_answered_as_at_first(story: Story, loan_id: str) -> None:
    until(story, "2026-03-05T12:00:00+08:00")

    first = ask(story, "t-1")
    until(story, "2026-03-06T11:59:59.999+08:00")
    again, other = ask(story, "t-1"), ask(story, "t-2")
    until(story, "2026-03-06T12:00:00+08:00")
    after = ask(story, "t-1")

    assert (first["score"], other["score"], after["score"]) == (700, 624, 624)
    assert again == first
    assert (first["refreshed_at"], first["next_refresh"]) == ("2026-02-05T16:00:00.000Z", "2026-03-05T16:00:00.000Z")


def test_a_query_about_an_unknown_borrower_is_refused(story: Story, loan_id: str) -> None:
    with pytest.raises(Refused, match="borrower_unknown"):
        story.platform.run(AskScore(story.sandbox_id, "brw_nobody", "t-1"))


# --- partner lenders ---


def test_a_lender_approves_who_is_on_time_and_refuses_who_is_not(story: Story, loan_id: str) -> None:
    until(story, "2026-02-06T12:00:00+08:00")
    before = apply(story, refresh=True)
    until(story, "2026-03-06T12:00:00+08:00")
    after = apply(story, refresh=True)

    assert (before["decision"], before["reasons"], before["score"]) == ("APPROVED", [], 700)
    assert (after["decision"], after["score"]) == ("REFUSED", 700 - 80 * 23 // 24 - 8)
    assert after["reasons"] == ["score_too_low", "overdue_now", "overdue_months"]
    assert after["report_version"] > before["report_version"]


def test_a_lender_uses_its_copy_until_it_is_too_old(story: Story, loan_id: str) -> None:
    until(story, "2026-02-06T12:00:00+08:00")
    pulled = apply(story)
    until(story, "2026-03-08T11:59:59+08:00")
    cached = apply(story)
    until(story, "2026-03-08T12:00:00+08:00")
    fresh = apply(story)

    assert [item["report_pulled_at"] for item in (pulled, cached, fresh)] == [
        "2026-02-06T04:00:00.000Z",
        "2026-02-06T04:00:00.000Z",
        "2026-03-08T04:00:00.000Z",
    ]
    assert [item["decision"] for item in (pulled, cached, fresh)] == ["APPROVED", "APPROVED", "REFUSED"]
    copy = copy_doc(story.entity(PartnerCopy, copy_id("harbour-bank", ada(story))))
    assert copy["expires_at"] == "2026-04-07T04:00:00.000Z"


def test_a_correction_reaches_a_lender_when_it_pulls_again(story: Story, loan_id: str) -> None:
    story.wait(days=40)
    refused = apply(story, "swift-card", "card", 100)
    story.settle(loan_id)
    story.wait(seconds=43_200)

    cached, asked_again = apply(story, "swift-card", "card", 100), None
    story.wait(days=3)
    asked_again = apply(story, "swift-card", "card", 100)

    assert (refused["reasons"], cached["reasons"], asked_again["reasons"]) == (["overdue_now"], ["overdue_now"], [])


def test_a_lender_that_requires_a_score_refuses_a_borrower_without_one(story: Story, loan_id: str) -> None:
    assert apply(story)["reasons"] == ["score_missing"]
    assert apply(story, "swift-card", "card", 100)["decision"] == "APPROVED"


def test_a_lender_refuses_what_it_does_not_offer(story: Story, loan_id: str) -> None:
    with pytest.raises(Refused, match="product_not_offered"):
        apply(story, "swift-card", "mortgage")
    with pytest.raises(Refused, match="lender_unknown"):
        apply(story, "nobody")


def test_an_application_that_is_sent_twice_is_one_inquiry(story: Story, loan_id: str) -> None:
    until(story, "2026-02-06T12:00:00+08:00")
    command = Apply(story.sandbox_id, story.key(), "swift-card", ada(story), "card", 100)

    first, again = story.platform.run(command), story.platform.run(command)
    until(story, "2026-03-06T12:00:00+08:00")

    assert (again.replayed, again.body) == (True, first.body)
    assert score(story) == 624 - 8


RULE = Rule(1_000, 600, worst_month=1)


@pytest.mark.parametrize(
    ("months", "overdue", "score", "amount", "reasons"),
    [
        ("NNN", 0, 700, 1_000, []),
        ("NNN", 0, 700, 1_001, ["amount_too_large"]),
        ("NNN", 0, 600, 1_000, []),
        ("NNN", 0, 599, 1_000, ["score_too_low"]),
        ("NNN", 0, "N/A", 1_000, ["score_missing"]),
        ("NN1", 5, 700, 1_000, ["overdue_now"]),
        ("N1N", 0, 700, 1_000, []),
        ("N2N", 0, 700, 1_000, ["overdue_months"]),
        ("NNB", 0, 400, 2_000, ["amount_too_large", "score_too_low", "overdue_months"]),
    ],
)
def test_the_rules_of_each_lender_are_published(
    months: str, overdue: int, score: int | str, amount: int, reasons: list[str]
) -> None:

    account: Any = {"months": months, "last_month": "2026-03", "overdue_minor": overdue}

    assert reasons_against(RULE, [account], score, amount, date(2026, 3, 9)) == reasons


def test_every_lender_and_every_reason_has_a_description() -> None:
    for partner in PARTNERS.values():
        assert partner.keeps_days >= 1
        assert partner.to_json()["products"].keys() == partner.rules.keys()
    assert all(sentence.endswith(".") for sentence in REASONS.values())
