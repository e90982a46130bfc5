"""Four eyes: which edits a second person has to approve, and that they are not posted before."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mocklend.domain.problems import Refused
from mocklend.lending.operator_log import operator_log_of
from mocklend.servicing import ApproveEdit, Edit, Refund, RejectEdit, ReverseEdit, WriteOff, operations
from mocklend.servicing.operations import EditDoc
from mocklend.storage.entities import OperatorEdit
from mocklend.storage.work import Answer
from support.story import Story

FEE = "MODIFY_BILL_AMOUNT"
LIMIT = 1_000


@pytest.fixture
def story(tell: Callable[..., Story]) -> Story:
    """A sandbox that asks for a second person above 10.00."""
    return tell(four_eyes_above_minor=LIMIT)


def edit(story: Story, loan_id: str, amount: int, operator: str = "wei", approver: str | None = None) -> Answer:
    """Wei asks for an edit."""
    command = Edit(story.sandbox_id, story.key(), loan_id, FEE, amount, None, "a memo", operator, approver)
    return story.platform.run(command)


def approve(story: Story, edit_id: str, approver: str = "li") -> EditDoc:
    """Li approves an edit."""
    return story.run(ApproveEdit(story.sandbox_id, story.key(), edit_id, approver), EditDoc)


def test_a_small_edit_needs_no_approval(story: Story) -> None:
    loan_id = story.borrow()

    assert edit(story, loan_id, LIMIT).body["state"] == "APPLIED"
    assert edit(story, loan_id, -LIMIT).body["state"] == "APPLIED"


def test_a_large_edit_is_a_draft_that_is_not_posted(story: Story) -> None:
    loan_id = story.borrow()
    page, journal = story.page(loan_id), story.journal(loan_id)

    drafted = edit(story, loan_id, LIMIT + 1)

    assert (drafted.status, drafted.body["state"], drafted.body["after"]) == (202, "DRAFT", None)
    assert (story.page(loan_id), story.journal(loan_id)) == (page, journal)
    assert story.discrepancies() == []


def test_an_edit_that_another_operator_approves_is_on_the_books(story: Story) -> None:
    loan_id = story.borrow()
    draft_id = edit(story, loan_id, LIMIT + 1).body["id"]

    with pytest.raises(Refused, match="four_eyes"):
        approve(story, draft_id, "wei")
    with pytest.raises(Refused, match="four_eyes"):
        approve(story, draft_id, " Wei ")
    answer = approve(story, draft_id)

    assert (answer["id"], answer["state"], answer["operator"], answer["approver"]) == (draft_id, "APPLIED", "wei", "li")
    assert story.page(loan_id)["outstanding_minor"] == 101_001
    assert story.discrepancies() == []
    with pytest.raises(Refused, match="edit_not_draft"):
        approve(story, draft_id)


@pytest.mark.parametrize("spelt", ["Wei", "w\u200bei", "ｗｅｉ", "w e i", "we\u0456", "\u202ewei"])
def test_another_spelling_is_no_second_person(story: Story, spelt: str) -> None:
    loan_id = story.borrow()
    draft_id = edit(story, loan_id, LIMIT + 1).body["id"]
    write_off = WriteOff(story.sandbox_id, story.key(), loan_id, "lost", "wei", spelt)

    with pytest.raises(Refused, match="four_eyes"):
        approve(story, draft_id, spelt)
    with pytest.raises(Refused, match="four_eyes"):
        edit(story, loan_id, LIMIT + 1, approver=spelt)
    with pytest.raises(Refused, match="four_eyes"):
        story.platform.run(write_off)

    assert story.discrepancies() == []


def test_an_approval_under_another_spelling_is_no_approval_to_the_audit(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "refuse_same_person", lambda edit, approver: None)
    loan_id = story.borrow()

    answer = edit(story, loan_id, LIMIT + 1, approver="W\u200bEI").body

    assert (answer["state"], answer["approver"]) == ("APPLIED", "W\u200bEI")
    assert story.discrepancies() == [("unapproved", answer["id"], LIMIT + 1)]


def test_an_edit_with_an_approver_is_posted_at_once_if_it_is_another_operator(story: Story) -> None:
    loan_id = story.borrow()

    with pytest.raises(Refused) as caught:
        edit(story, loan_id, LIMIT + 1, approver="wei")
    applied = edit(story, loan_id, LIMIT + 1, approver="li")

    assert (caught.value.code, caught.value.received) == ("four_eyes", "wei")
    assert (applied.status, applied.body["state"]) == (201, "APPLIED")


def test_a_rejected_draft_has_no_effect(story: Story) -> None:
    loan_id = story.borrow()
    draft_id = edit(story, loan_id, LIMIT + 1).body["id"]
    with pytest.raises(Refused, match="edit_not_applied"):
        story.platform.run(ReverseEdit(story.sandbox_id, story.key(), draft_id, "wrong", "wei"))

    rejected = story.platform.run(RejectEdit(story.sandbox_id, story.key(), draft_id, "wrong loan", "li")).body

    assert rejected["state"] == "REJECTED"
    assert story.page(loan_id)["outstanding_minor"] == 100_000
    with pytest.raises(Refused, match="edit_not_draft"):
        approve(story, draft_id)
    with pytest.raises(Refused, match="edit_unknown"):
        approve(story, "edt_x")


def test_a_draft_that_the_books_no_longer_take_is_refused_and_stays_a_draft(story: Story) -> None:
    loan_id = story.borrow()
    edit(story, loan_id, 2_000, approver="li")
    waiver = edit(story, loan_id, -2_000).body["id"]
    edit(story, loan_id, -1_000)

    with pytest.raises(Refused) as caught:
        approve(story, waiver)

    assert (caught.value.code, caught.value.expected) == ("waiver_too_large", -1_000)
    assert story.entity(OperatorEdit, waiver).state == "DRAFT"


def test_write_offs_and_refunds_always_need_a_second_person(story: Story) -> None:
    loan_id, other = story.borrow(), story.borrow()
    story.repay(other, story.quote(other)["total_minor"] + 1, type="CLEAR")

    refund = story.platform.run(Refund(story.sandbox_id, story.key(), other, "wallet", 1, "too much", "wei"))
    off = story.platform.run(WriteOff(story.sandbox_id, story.key(), loan_id, "bankrupt", "wei"))

    assert [answer.status for answer in (refund, off)] == [202, 202]
    story.wait(days=10)
    assert approve(story, off.body["id"])["amount_minor"] == 100_000 + 450  # with the interest until today
    approve(story, refund.body["id"])
    assert [item["kind"] for item in story.wait(2)] == ["payout"]
    assert (story.page(loan_id)["status"], story.page(other)["overpaid_minor"]) == ("OFF", 0)
    assert story.discrepancies() == []


def test_the_operator_log_has_requester_and_approver(story: Story) -> None:
    loan_id = story.borrow()
    draft_id = edit(story, loan_id, LIMIT + 1).body["id"]
    approve(story, draft_id)

    with story.platform.read() as connection:
        acts = operator_log_of(story.snapshot(connection), loan_id)

    assert [(act["action"], act["operator"], act["approver"]) for act in acts] == [
        ("edit.drafted", "wei", None),
        ("edit.approved", "wei", "li"),
    ]


def test_a_repeated_request_returns_the_same_draft(story: Story) -> None:
    loan_id, key = story.borrow(), story.key()
    command = Edit(story.sandbox_id, key, loan_id, FEE, LIMIT + 1, None, "a memo", "wei", None)

    first, again = story.platform.run(command), story.platform.run(command)

    assert (again.replayed, again.status, again.body) == (True, 202, first.body)


def test_an_edit_without_approval_is_approved_later_once_and_by_another_operator(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "_must_wait", lambda work, loan, edit: False)
    loan_id = story.borrow()
    answer = edit(story, loan_id, LIMIT + 1).body
    assert (answer["state"], answer["approval_needed"], answer["approver"]) == ("APPLIED", True, None)
    assert story.discrepancies() == [("unapproved", answer["id"], LIMIT + 1)]
    page = story.page(loan_id)
    with pytest.raises(Refused, match="four_eyes"):
        approve(story, answer["id"], "Wei")

    assert approve(story, answer["id"])["approver"] == "li"

    assert (story.page(loan_id), story.discrepancies()) == (page, [])
    with pytest.raises(Refused, match="edit_not_draft"):
        approve(story, answer["id"], "zhao")
