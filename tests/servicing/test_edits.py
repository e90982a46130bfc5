"""Operator edits: relative amounts, within what the bill has, and a status that can only confirm the books."""

from __future__ import annotations

import pytest

from mocklend.domain.money import MAX_MINOR
from mocklend.domain.problems import Refused
from mocklend.runtime import Platform
from mocklend.servicing import Edit
from support.story import Story

FEE, PENALTY, STATUS = "MODIFY_BILL_AMOUNT", "MODIFY_BILL_OVERDUE_AMOUNT", "MODIFY_BILL_STATUS"


def test_a_fee_is_charged_to_the_current_bill_and_reversed(story: Story) -> None:
    loan_id = story.borrow()

    edit_id = story.edit(loan_id, 500)

    assert story.page(loan_id)["outstanding_minor"] == 100_500
    assert story.journal(loan_id)[-1]["postings"][0]["debit"] == "1105"
    assert story.reverse_edit(edit_id)["state"] == "REVERSED"
    assert story.page(loan_id)["outstanding_minor"] == 100_000
    assert story.discrepancies() == []


def test_a_penalty_is_charged_and_waived(story: Story) -> None:
    loan_id = story.borrow()
    story.wait(days=40)
    before = story.quote(loan_id)["buckets"]["penalty_principal_minor"]
    assert before > 0

    story.edit(loan_id, 300, PENALTY)
    charged = story.quote(loan_id)["buckets"]["penalty_principal_minor"]
    story.edit(loan_id, -(before + 300), PENALTY)

    assert charged == before + 300
    assert story.quote(loan_id)["buckets"]["penalty_principal_minor"] == 0
    assert story.discrepancies() == []


def test_a_waiver_above_what_is_owed_is_refused_with_the_limit(story: Story) -> None:
    loan_id = story.borrow()
    story.edit(loan_id, 500)
    story.wait(days=10)
    least = -(500 + 450)  # the fee, and ten days at 0.45 a day

    with pytest.raises(Refused) as caught:
        story.edit(loan_id, least - 1)
    story.edit(loan_id, least)

    assert (caught.value.code, caught.value.expected) == ("waiver_too_large", least)
    page = story.page(loan_id)
    assert page["outstanding_minor"] == page["outstanding_principal_minor"] == 100_000
    assert story.discrepancies() == []


def test_reversing_a_waiver_reopens_the_loan_that_it_cleared(story: Story) -> None:
    loan_id = story.borrow()
    story.wait(days=10)
    waiver = story.edit(loan_id, -450)
    story.settle(loan_id)
    assert story.page(loan_id)["status"] == "CLEAR"

    story.reverse_edit(waiver)

    page = story.page(loan_id)
    # The payoff settles the older interest first, so what was waived is now short of principal.
    assert (page["status"], page["outstanding_minor"]) == ("USING", 450)
    assert story.discrepancies() == []


@pytest.mark.parametrize("amount", [0, None, MAX_MINOR + 1, -MAX_MINOR - 1])
def test_an_edit_changes_the_bill_by_some_amount(story: Story, amount: int | None) -> None:
    loan_id = story.borrow()

    with pytest.raises(Refused) as caught:
        story.edit(loan_id, amount)

    assert caught.value.code in ("amount_out_of_range", "waiver_too_large")


def test_a_clear_loan_is_not_charged(story: Story) -> None:
    loan_id = story.borrow()
    story.settle(loan_id)

    with pytest.raises(Refused, match="loan_not_active"):
        story.edit(loan_id, 500)


def test_a_status_can_only_confirm_the_books(story: Story) -> None:
    loan_id = story.borrow()

    for status in ("CLEAR", "OVERDUE", "INIT"):
        with pytest.raises(Refused) as caught:
            story.edit(loan_id, None, STATUS, status)
        assert (caught.value.code, caught.value.expected) == ("override_contradicts_books", "VALID")
    before = story.page(loan_id)
    story.edit(loan_id, None, STATUS, "VALID")

    assert story.page(loan_id)["status"] == "USING"
    assert story.page(loan_id)["version"] == before["version"] + 1
    assert story.discrepancies() == []


def test_an_edit_is_reversed_once(story: Story) -> None:
    edit_id = story.edit(story.borrow(), 500)
    story.reverse_edit(edit_id)

    with pytest.raises(Refused, match="edit_already_reversed"):
        story.reverse_edit(edit_id)
    with pytest.raises(Refused, match="edit_unknown"):
        story.reverse_edit("edt_x")


def test_an_edit_keeps_who_did_it_why_and_what_it_changed(platform: Platform, story: Story) -> None:
    loan_id = story.borrow()

    edit = platform.run(Edit(story.sandbox_id, story.key(), loan_id, FEE, 500, None, "Courier fee.", "wang", "li")).body

    assert (edit["memo"], edit["operator"], edit["approver"], edit["state"]) == (
        "Courier fee.",
        "wang",
        "li",
        "APPLIED",
    )
    assert (edit["before"]["status"], edit["before"]["outstanding_minor"]) == ("USING", 100_000)
    assert (edit["after"]["status"], edit["after"]["outstanding_minor"]) == ("USING", 100_500)


def test_an_edit_of_an_unknown_loan_is_refused(story: Story) -> None:
    with pytest.raises(Refused, match="loan_unknown"):
        story.edit("loan_x", 500)
