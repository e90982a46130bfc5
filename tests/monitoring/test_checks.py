"""Checks that no installed fault triggers: the test changes the rows in the database directly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection

import mocklend.monitoring
from mocklend.channels.payment_returns import ReturnPayment
from mocklend.domain.product import PRODUCTS
from mocklend.domain.statuses import QuoteType
from mocklend.lending import AddBorrower, Borrow
from mocklend.monitoring import alerts
from mocklend.sandboxes.ids import order_no
from mocklend.seams.receipt_booked import ReceiptBooked
from mocklend.seams.seam import SeamEvent
from mocklend.servicing import RebookRepayment, ReinstateRepayment
from mocklend.storage.entities import Repayment
from mocklend.storage.snapshot import Snapshot
from mocklend.storage.work import Work
from support.seams import decide_by
from support.sql import change as sql_change
from support.story import Story


def raised_alerts(story: Story, sandbox_id: str, later_ms: int = 0) -> list[tuple[str, str | None, str, int]]:
    with story.platform.read() as connection:
        raised = alerts(Snapshot(connection, story.platform.sandbox(connection, sandbox_id), story.now_ms + later_ms))
    return [(alert.check, alert.finding_class, alert.entity, alert.amount_minor) for alert in raised.alerts]


def change(story: Story, sql: str, *values: object) -> None:
    def run(connection: Connection) -> None:
        assert sql_change(connection, sql, *values) == 1

    story.platform.writer.call(run)


def test_a_receipt_whose_money_the_channel_lacks_raises_an_alert(story: Story) -> None:
    loan_id = story.borrow()
    repayment_id = story.repay(loan_id, 10_000)
    change(story, "UPDATE trades SET state = 'CLOSED' WHERE id = ?", order_no(repayment_id))
    assert raised_alerts(story, story.sandbox_id) == []

    story.wait(3600)

    alert = ("booked_money_not_at_channel", "missing_in_channel", repayment_id, 10_000)
    assert raised_alerts(story, story.sandbox_id) == [alert]
    story.reverse(repayment_id)
    assert raised_alerts(story, story.sandbox_id) == []


def test_a_reversed_reversal_does_not_explain_the_missing_money(story: Story) -> None:
    repayment_id = story.repay(story.borrow(), 10_000)
    story.reverse(repayment_id)
    story.platform.run(ReinstateRepayment(story.sandbox_id, story.key(), repayment_id, "it was good", "grace"))
    change(story, "UPDATE trades SET state = 'CLOSED' WHERE id = ?", order_no(repayment_id))

    story.wait(3600)

    alert = ("booked_money_not_at_channel", "missing_in_channel", repayment_id, 10_000)
    assert raised_alerts(story, story.sandbox_id) == [alert]


def test_a_rebooked_receipt_that_was_returned_raises_no_alert(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Work.at

    def as_an_instalment(work: Work, event: SeamEvent) -> SeamEvent:
        outcome = honest(work, event)
        return replace(outcome, scope=QuoteType.OVD_AND_CURRENT) if isinstance(outcome, ReceiptBooked) else outcome

    with monkeypatch.context() as mistaken:
        decide_by(mistaken, as_an_instalment)
        repayment_id = story.settle(story.borrow())
    story.platform.run(RebookRepayment(story.sandbox_id, story.key(), repayment_id, "as was ordered", "grace"))
    story.platform.run(ReturnPayment(story.sandbox_id, story.key(), "wallet", order_no(repayment_id)))

    story.wait(7200)

    assert story.page(story.entity(Repayment, repayment_id).loan_id)["paid_minor"] == 0
    assert raised_alerts(story, story.sandbox_id) == []


def test_a_payment_with_two_amounts_raises_an_alert(story: Story) -> None:
    loan_id = story.borrow()
    repayment_id = story.repay(loan_id, 10_000)

    change(story, "UPDATE trades SET amount_minor = 9000 WHERE id = ?", order_no(repayment_id))

    assert raised_alerts(story, story.sandbox_id) == [
        ("booked_otherwise_than_paid", "amount_mismatch", repayment_id, 1_000)
    ]


def test_one_trade_number_in_two_receipts_raises_an_alert(story: Story) -> None:
    loan_id = story.borrow()
    first, second = story.repay(loan_id, 10_000), story.repay(loan_id, 20_000)
    number = story.entity(Repayment, first).channel_trade_no

    change(story, "UPDATE repayments SET channel_trade_no = ? WHERE id = ?", number, second)

    [(check, finding_class, entity, _)] = raised_alerts(story, story.sandbox_id)
    assert (check, finding_class, entity in (first, second)) == ("one_trade_booked_twice", "duplicate_in_books", True)


def test_the_same_amount_twice_in_a_day_raises_no_alert_while_it_is_owed(story: Story) -> None:
    loan_id = story.borrow()

    story.repay(loan_id, 10_000)
    story.repay(loan_id, 10_000)

    assert raised_alerts(story, story.sandbox_id) == []


def test_a_payout_pending_for_a_day_raises_an_alert(story: Story) -> None:
    ada = story.platform.run(AddBorrower(story.sandbox_id, "ada", "Ada", 10**12)).body["id"]
    terms = (ada, 100_000, "CNY", PRODUCTS["jiebei-like"], "jiebei-like", None)
    slow = Borrow(story.sandbox_id, story.key(), *terms, disburse_to="bank_transfer", disburse_delay_s=1800)
    loan_id = story.platform.run(slow).body["id"]
    story.sleep(3600)
    assert raised_alerts(story, story.sandbox_id) == []

    story.sleep(days=1)

    [(check, finding_class, _, amount)] = raised_alerts(story, story.sandbox_id)
    assert (check, finding_class, amount) == ("payout_stuck_in_transit", None, 100_000)
    story.wait()
    assert (story.page(loan_id)["status"], raised_alerts(story, story.sandbox_id)) == ("USING", [])


def test_a_bureau_without_a_submission_for_two_days_raises_an_alert(story: Story) -> None:
    loan_id = story.borrow()
    story.wait(days=3)
    assert raised_alerts(story, story.sandbox_id) == []
    story.settle(loan_id)

    story.sleep(days=1)
    assert raised_alerts(story, story.sandbox_id) == []
    story.sleep(days=2)

    [(check, finding_class, entity, amount)] = raised_alerts(story, story.sandbox_id)
    assert (check, finding_class, entity, amount > 0) == ("bureau_differs_from_books", "wrong_bureau", loan_id, True)
    story.wait(0)
    assert raised_alerts(story, story.sandbox_id) == []


def test_differences_of_a_loan_cancel_where_they_are_netted(tell: Callable[..., Story]) -> None:
    told_by = {}
    for net_by in ("none", "loan", "channel"):
        story = tell(net_by=net_by)
        loan_id = story.borrow()
        there, gone = story.repay(loan_id, 10_000), story.repay(loan_id, 10_000, "bank_card")
        other = story.repay(loan_id, 7_000)
        change(
            story,
            "UPDATE trades SET amount_minor = 12000 WHERE sandbox_id = ? AND id = ?",
            story.sandbox_id,
            order_no(there),
        )
        change(
            story,
            "UPDATE trades SET amount_minor = 8000 WHERE sandbox_id = ? AND id = ?",
            story.sandbox_id,
            order_no(gone),
        )
        told_by[net_by] = len(raised_alerts(story, story.sandbox_id))
        # The other way round in one channel.
        change(
            story,
            "UPDATE trades SET amount_minor = 5000 WHERE sandbox_id = ? AND id = ?",
            story.sandbox_id,
            order_no(other),
        )
        told_by[net_by + " three"] = len(raised_alerts(story, story.sandbox_id))

    # Row by row all are told; a loan's cancel, until there is a third; the wallet's two cancel, and the card's is left.
    assert told_by == {
        "none": 2, "none three": 3, "loan": 0, "loan three": 3, "channel": 2, "channel three": 1,
    }  # fmt: skip


def test_two_checks_of_one_state_have_the_same_alerts(story: Story) -> None:
    loan_id = story.borrow()
    story.settle_silently(story.order(loan_id, 10_000))
    story.sleep(days=1)

    assert raised_alerts(story, story.sandbox_id) == raised_alerts(story, story.sandbox_id) != []


def test_more_loans_than_one_batch_are_all_checked(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mocklend.monitoring.loan_checks.AT_ONCE", 2)
    loans = [story.borrow(borrower=name) for name in ("ada", "bob", "cyd", "dan", "eve")]
    for loan_id in loans:
        change(story, "UPDATE loan_views SET visible_ms = ? WHERE loan_id = ? AND version = 1", 10**15, loan_id)

    raised = raised_alerts(story, story.sandbox_id, later_ms=600_000)

    assert sorted(entity for check, _, entity, _ in raised if check == "page_behind_books") == sorted(loans)


def test_monitoring_does_not_read_the_world() -> None:
    folder = Path(mocklend.monitoring.__file__).parent
    for module in folder.glob("*.py"):
        text = module.read_text(encoding="utf-8")
        for word in ("world_facts", "WORLD", "mocklend.audit", "mocklend_faults", "injection"):
            assert word not in text, f"{module.name} reads {word}"
