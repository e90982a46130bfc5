"""Charges, waivers, write-offs, refunds and the five amount edits: what each posts, what it refuses, and who did it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from mocklend.domain.problems import Refused
from mocklend.lending.operator_log import operator_log_of
from mocklend.servicing import Charge, Refund, Waive, WriteOff
from mocklend.servicing.operations import EditDoc
from mocklend.storage.entities import Repayment
from support.story import Story

TODAY = date(2026, 1, 5)
PAID, REVOKE, PAID_REVOKE = "MODIFY_PAID_AMOUNT", "MODIFY_REVOKE_AMOUNT", "MODIFY_PAID_REVOKE_AMOUNT"


def charge(story: Story, loan_id: str, kind: str = "fee", amount: int = 500, due: date = TODAY) -> EditDoc:
    """An operator charges a fee or a penalty."""
    command = Charge(story.sandbox_id, story.key(), loan_id, kind, amount, due, "a memo", "wei")
    return story.run(command, EditDoc)


def waive(story: Story, loan_id: str, part: str, amount: int) -> EditDoc:
    """An operator waives an amount."""
    return story.run(Waive(story.sandbox_id, story.key(), loan_id, part, amount, "a memo", "wei"), EditDoc)


def write_off(story: Story, loan_id: str) -> EditDoc:
    """An operator writes the loan off."""
    return story.run(WriteOff(story.sandbox_id, story.key(), loan_id, "bankrupt", "wei"), EditDoc)


def refund(story: Story, loan_id: str, amount: int | None = None, channel: str = "wallet") -> EditDoc:
    """An operator refunds an overpaid amount."""
    command = Refund(story.sandbox_id, story.key(), loan_id, channel, amount, "paid twice", "wei")
    return story.run(command, EditDoc)


def posted(story: Story, loan_id: str, ref: str) -> list[tuple[str, str, int]]:
    """What the journal moved for one act, in order."""
    return [
        (leg["debit"], leg["credit"], leg["amount_minor"])
        for transaction in story.journal(loan_id)
        if transaction["ref"] == ref
        for leg in transaction["postings"]
    ]


def overpay(story: Story, loan_id: str, by: int = 5_000) -> None:
    """Ada pays everything, and more."""
    story.repay(loan_id, story.quote(loan_id)["total_minor"] + by, type="CLEAR")


def test_a_fee_joins_the_instalment_of_its_due_date(story: Story) -> None:
    loan_id = story.borrow()

    answer = charge(story, loan_id, due=TODAY + timedelta(days=40))

    assert posted(story, loan_id, answer["id"]) == [("1105", "4004", 500)]
    assert (answer["kind"], answer["due_date"], answer["state"]) == ("CHARGE_FEE", "2026-02-14", "APPLIED")
    assert story.quote(loan_id, "OVD_AND_CURRENT")["buckets"]["fee_minor"] == 0
    assert story.quote(loan_id)["buckets"]["fee_minor"] == 500
    assert story.discrepancies() == []


def test_a_penalty_is_charged_waived_and_both_are_reversed(story: Story) -> None:
    loan_id = story.borrow()
    charged = charge(story, loan_id, "penalty", 700)
    waived = waive(story, loan_id, "penalty", 300)
    assert posted(story, loan_id, charged["id"]) == [("1103", "4002", 700)]
    assert posted(story, loan_id, waived["id"]) == [("5003", "1103", 300)]
    assert story.page(loan_id)["outstanding_minor"] == 100_400

    story.reverse_edit(charged["id"])

    # Without the penalty there is nothing to waive: the waiver is replayed as what is left of it.
    assert story.page(loan_id)["outstanding_minor"] == 100_000
    assert story.discrepancies() == []
    story.reverse_edit(waived["id"])
    assert story.page(loan_id)["outstanding_minor"] == 100_000
    assert story.discrepancies() == []


def test_a_waiver_reduces_the_named_bucket_and_no_more_than_is_owed(story: Story) -> None:
    loan_id = story.borrow()
    charge(story, loan_id, amount=500)
    story.wait(days=10)

    for part, there in (("interest", 450), ("fee", 500), ("penalty", 0)):
        with pytest.raises(Refused) as caught:
            waive(story, loan_id, part, there + 1)
        assert (caught.value.code, caught.value.expected) == ("waiver_too_large", -there)
    answer = waive(story, loan_id, "interest", 450)

    assert (answer["kind"], answer["amount_minor"]) == ("WAIVE_INTEREST", -450)
    assert posted(story, loan_id, answer["id"]) == [("5003", "1102", 450)]
    assert story.page(loan_id)["outstanding_minor"] == 100_500
    assert story.discrepancies() == []


@pytest.mark.parametrize("due", [TODAY - timedelta(days=1), TODAY + timedelta(days=367)])
def test_a_charge_falls_due_today_or_within_the_year(story: Story, due: date) -> None:
    loan_id = story.borrow()

    with pytest.raises(Refused) as caught:
        charge(story, loan_id, due=due)

    assert (caught.value.code, caught.value.expected) == ("date_out_of_range", "2026-01-05 to 2027-01-06")


def test_a_written_off_loan_is_off_and_owes_nothing(story: Story) -> None:
    loan_id = story.borrow()
    story.wait(days=100)
    owed = story.quote(loan_id)["total_minor"]

    answer = write_off(story, loan_id)

    page = story.page(loan_id)
    assert (page["status"], page["outstanding_minor"], answer["amount_minor"]) == ("OFF", 0, owed)
    assert sum(amount for debit, _, amount in posted(story, loan_id, answer["id"]) if debit == "5002") == owed
    assert story.quote(loan_id)["buckets"]["written_off_minor"] == story.quote(loan_id)["total_minor"] == owed
    assert story.discrepancies() == []
    with pytest.raises(Refused, match="loan_not_active"):
        write_off(story, loan_id)


def test_money_on_a_loan_that_is_off_is_a_recovery_until_the_loan_is_clear(story: Story) -> None:
    loan_id = story.borrow()
    write_off(story, loan_id)

    part = story.repay(loan_id, 40_000)

    assert posted(story, loan_id, part)[-1] == ("2102", "4003", 40_000)
    assert (story.page(loan_id)["status"], story.entity(Repayment, part).applied_minor) == ("OFF", 40_000)
    rest = story.settle(loan_id)
    assert story.page(loan_id)["status"] == "CLEAR"
    assert story.entity(Repayment, rest).amount_minor == 60_000
    assert story.discrepancies() == []


def test_after_a_reversed_write_off_recoveries_are_repayments(story: Story) -> None:
    loan_id = story.borrow()
    off = write_off(story, loan_id)
    story.repay(loan_id, 40_000)

    story.reverse_edit(off["id"])

    page = story.page(loan_id)
    assert (page["status"], page["paid_minor"]) == ("USING", 40_000)
    assert page["outstanding_minor"] >= 60_000
    assert story.discrepancies() == []


def test_a_refund_is_agreed_at_once_and_paid_by_its_channel_later(story: Story) -> None:
    loan_id = story.borrow()
    overpay(story, loan_id)

    answer = refund(story, loan_id, channel="bank_card")

    assert answer["amount_minor"] == 5_000
    assert answer["after"] is not None
    assert (answer["before"]["overpaid_minor"], answer["after"]["overpaid_minor"]) == (5_000, 0)
    assert posted(story, loan_id, answer["id"]) == [("2101", "2103", 5_000)]
    assert story.discrepancies() == []
    released = story.wait(5)
    payout = next(item for item in released if item["kind"] == "payout")
    assert posted(story, loan_id, payout["id"]) == [("2103", "1002:bank_card", 5_000)]
    assert story.page(loan_id)["status"] == "CLEAR"
    assert story.discrepancies() == []


def test_a_refund_above_the_overpaid_amount_is_refused(story: Story) -> None:
    loan_id = story.borrow()
    with pytest.raises(Refused) as caught:
        refund(story, loan_id)
    assert (caught.value.code, caught.value.expected) == ("refund_too_large", 0)
    overpay(story, loan_id)
    refund(story, loan_id, 2_000)

    with pytest.raises(Refused) as caught:
        refund(story, loan_id, 3_001)
    with pytest.raises(Refused, match="channel_unknown"):
        refund(story, loan_id, 1, channel="pigeon")

    assert (caught.value.code, caught.value.expected) == ("refund_too_large", 3_000)
    refund(story, loan_id, 3_000)
    story.wait(2)
    assert story.page(loan_id)["overpaid_minor"] == 0
    assert story.discrepancies() == []


def test_a_refund_is_not_reversed_and_what_history_no_longer_justifies_is_owed_again(story: Story) -> None:
    loan_id = story.borrow()
    repayment_id = story.repay(loan_id, 105_045, type="CLEAR")
    answer = refund(story, loan_id)
    story.wait(2)
    with pytest.raises(Refused, match="edit_not_reversible"):
        story.reverse_edit(answer["id"])

    story.reverse(repayment_id)

    page = story.page(loan_id)
    assert (page["status"], page["outstanding_minor"]) == ("USING", 105_000)
    assert story.discrepancies() == []


def test_unapplied_money_is_moved_to_the_bill_and_back(story: Story) -> None:
    loan_id = story.borrow()
    story.reverse(story.repay(loan_id, 30_000))

    answer = story.edit(loan_id, 10_000, PAID)

    # The bill's interest to come is set aside: a day on 1,000.00 at 0.045 %, and 30 days on the 912.77 that stay lent.
    assert posted(story, loan_id, answer) == [("2102", "1101", 8_723), ("2102", "2105", 1_277)]
    assert story.page(loan_id)["paid_minor"] == 10_000
    back = story.edit(loan_id, -4_000, PAID)
    assert posted(story, loan_id, back) == [("1101", "2102", 2_723), ("2105", "2102", 1_277)]
    assert story.page(loan_id)["paid_minor"] == 6_000
    assert story.discrepancies() == []
    with pytest.raises(Refused) as caught:
        story.edit(loan_id, 24_001, PAID)
    assert (caught.value.code, caught.value.expected) == (
        "edit_too_large",
        {"amount_minor_min": -6_000, "amount_minor_max": 24_000},
    )


def test_part_of_the_bill_is_cancelled_from_its_end_and_put_back(story: Story) -> None:
    loan_id = story.borrow()

    answer = story.edit(loan_id, 5_000, REVOKE)

    assert posted(story, loan_id, answer) == [("5003", "1101", 5_000)]
    assert story.page(loan_id)["outstanding_minor"] == 95_000
    back = story.edit(loan_id, -2_000, REVOKE)
    assert posted(story, loan_id, back) == [("1105", "5003", 2_000)]
    assert story.page(loan_id)["outstanding_minor"] == 97_000
    with pytest.raises(Refused, match="edit_too_large"):
        story.edit(loan_id, -3_001, REVOKE)
    story.reverse_edit(answer)
    assert story.discrepancies() == []


def test_a_paid_revoke_makes_money_overpaid_and_it_can_be_refunded(story: Story) -> None:
    loan_id = story.borrow()
    story.repay(loan_id, 20_000)

    answer = story.edit(loan_id, 8_000, PAID_REVOKE)

    assert posted(story, loan_id, answer) == [("1101", "2101", 6_860), ("2105", "2101", 1_140)]
    page = story.page(loan_id)
    assert (page["paid_minor"], page["overpaid_minor"]) == (12_000, 8_000)
    refund(story, loan_id, 3_000)
    story.edit(loan_id, -5_000, PAID_REVOKE)
    assert story.page(loan_id)["overpaid_minor"] == 0
    assert story.discrepancies() == []


@pytest.mark.parametrize("kind", ["MODIFY_BILL_AMOUNT", "MODIFY_BILL_OVERDUE_AMOUNT", PAID, REVOKE, PAID_REVOKE])
@pytest.mark.parametrize("amount", [100, -100])
def test_no_edit_reopens_a_clear_loan(story: Story, kind: str, amount: int) -> None:
    loan_id = story.borrow()
    overpay(story, loan_id)
    before = story.everything(without=frozenset({"idempotency"}))

    with pytest.raises(Refused, match="loan_not_active"):
        story.edit(loan_id, amount, kind)

    assert story.everything(without=frozenset({"idempotency"})) == before


def test_an_edit_is_applied_completely_or_refused(story: Story) -> None:
    loan_id = story.borrow()
    story.reverse(story.repay(loan_id, 500_000, type="CLEAR"))

    with pytest.raises(Refused) as caught:
        story.edit(loan_id, 500_000, PAID)

    most = caught.value.expected["amount_minor_max"]
    assert (caught.value.code, most) == ("edit_too_large", 100_045)
    story.edit(loan_id, most, PAID)
    assert story.page(loan_id)["status"] == "CLEAR"
    assert story.discrepancies() == []


def test_the_operator_log_has_who_why_and_the_change_of_every_edit(story: Story) -> None:
    loan_id = story.borrow()
    fee = charge(story, loan_id)
    story.reverse_edit(fee["id"])
    repayment_id = story.repay(loan_id, 200)
    story.reverse(repayment_id)

    with story.platform.read() as connection:
        acts = operator_log_of(story.snapshot(connection), loan_id)

    assert [(act["action"], act["about"], act["operator"]) for act in acts] == [
        ("edit.applied", fee["id"], "wei"),
        ("edit.reversed", fee["id"], "op"),
        ("repayment.reversed", repayment_id, "op"),
    ]
    assert all(act["memo"] for act in acts)
    assert [(act["before"]["outstanding_minor"], act["after"]["outstanding_minor"]) for act in acts] == [
        (100_000, 100_500),
        (100_500, 100_000),
        (99_800, 100_000),
    ]
