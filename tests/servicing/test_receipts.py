"""Second receipts: posted beside the order's own, and reversed completely."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from mocklend.channels.order_query import QueryPayment
from mocklend.channels.payment_returns import ReturnPayment
from mocklend.channels.payments import PayAtChannel, ReceiptDoc
from mocklend.domain.problems import Refused
from mocklend.runtime import Platform
from mocklend.sandboxes.ids import callback_of, order_no, out_trade_no, receipt_of, return_of
from mocklend.seams.callback_attempt import CallbackAttempt
from mocklend.seams.seam import EventContext, Seam, SeamEvent, Write
from mocklend.servicing import DecideDispute, OpenDispute, QueryChannel, ReverseReceipt, VerifyDispute
from mocklend.servicing.evidence import Piece
from mocklend.storage.engines import reading
from mocklend.storage.entities import Callback, Receipt, Repayment, Trade
from support.events import changed
from support.layers import HonestLayer
from support.sql import rows
from support.story import Story

MONDAY_MS = 1_767_578_400_000


class Wrong(HonestLayer):
    """A layer that changes one seam of every story, always in the same way, and knows what it was asked."""

    def __init__(self, seam: str, **changes: object) -> None:
        self.seam, self.changes = seam, changes
        self.asked: list[Seam] = []

    def at(self, context: EventContext, event: SeamEvent) -> tuple[SeamEvent, Sequence[Write]]:
        self.asked.append(event)
        return (changed(event, **self.changes) if event.seam == self.seam else event), ()


@pytest.fixture
def wrong(open_platform: Callable[..., Platform], seed: int) -> Callable[..., Story]:
    """A story on a platform where one thing goes wrong."""

    def tell(seam: str, **changes: Any) -> Story:
        platform = open_platform(Wrong(seam, **changes))
        return Story(platform, platform.create_sandbox(seed=seed, mode="manual", now_ms=MONDAY_MS))

    return tell


def clearing(story: Story, channel: str = "wallet") -> int:
    """The balance of a channel's clearing account."""
    account = f"1002:{channel}"

    def signed(debit: str, amount_minor: int) -> int:
        return amount_minor if debit == account else -amount_minor

    with reading(story.platform.engine) as connection:
        sql = """SELECT debit, amount_minor FROM postings
                 WHERE sandbox_id = :sandbox_id AND (debit = :account OR credit = :account)"""
        return sum(rows(connection, signed, sql, sandbox_id=story.sandbox_id, account=account))


def second_of(story: Story) -> Receipt:
    [receipt] = story.entities(Receipt)
    return receipt


def return_payment(story: Story, receipt_id: str, channel: str = "wallet") -> str:
    """The bank returns the payment; the platform has no callback yet. Returns the id of the fact."""
    story.platform.run(ReturnPayment(story.sandbox_id, story.key(), channel, order_no(receipt_id)))
    return return_of(receipt_id)


def reverse(story: Story, receipt_id: str) -> ReceiptDoc:
    return story.run(ReverseReceipt(story.sandbox_id, story.key(), receipt_id, "twice", "op"), ReceiptDoc)


TWICE = [("order.paid", {"posted_again": True}), ("callback.taken", {"copies": 2, "new_trade_no": True})]


@pytest.mark.parametrize(("seam", "changes"), TWICE)
def test_a_second_receipt_is_found_and_reversed_completely(
    wrong: Callable[..., Story], seam: str, changes: dict[str, object]
) -> None:
    story = wrong(seam, **changes)
    loan_id = story.borrow()
    repayment_id = story.repay(loan_id, 9_500)
    second = second_of(story)

    assert second.out_trade_no.removeprefix("ML").lower() == repayment_id.removeprefix("rpy_")
    assert story.discrepancies() == [("duplicate_in_books", second.id, 9_500)]
    assert (story.page(loan_id)["paid_minor"], clearing(story)) == (19_000, 19_000)

    assert reverse(story, second.id)["state"] == "REVERSED"

    assert story.discrepancies() == []
    assert (story.page(loan_id)["paid_minor"], clearing(story)) == (9_500, 9_500)
    assert story.broken() == set()


def test_a_payoff_posted_twice_is_overpaid_and_stays_clear_after_the_reversal(
    wrong: Callable[..., Story],
) -> None:
    story = wrong("order.paid", posted_again=True)
    loan_id = story.borrow()
    story.settle(loan_id)

    assert (story.page(loan_id)["status"], story.page(loan_id)["overpaid_minor"]) == ("CLEAR", 100_045)

    reverse(story, second_of(story).id)

    assert (story.page(loan_id)["status"], story.page(loan_id)["overpaid_minor"]) == ("CLEAR", 0)
    assert story.discrepancies() == []


def test_a_second_receipt_stays_a_duplicate_after_its_repayment_is_reversed(
    wrong: Callable[..., Story],
) -> None:
    story = wrong("order.paid", posted_again=True)
    repayment_id = story.repay(story.borrow(), 9_500)
    story.reverse(repayment_id)

    assert story.discrepancies() == [("duplicate_in_books", second_of(story).id, 9_500)]


def test_only_a_second_receipt_can_be_reversed_and_only_once(wrong: Callable[..., Story]) -> None:
    story = wrong("order.paid", posted_again=True)
    loan_id = story.borrow()
    story.repay(loan_id, 9_500)
    second = second_of(story)
    reverse(story, second.id)
    payment = PayAtChannel(story.sandbox_id, story.key(), "bill_pay", 500, "CNY", "Ada", loan_id, "OVD_AND_CURRENT")
    pushed = receipt_of(story.platform.run(payment).body["out_trade_no"])
    story.wait(days=1)

    for id, code in ((second.id, "receipt_not_second"), (pushed, "receipt_not_second"), ("rct_x", "receipt_unknown")):
        with pytest.raises(Refused) as refused:
            reverse(story, id)
        assert refused.value.code == code


def test_copies_under_the_same_number_are_delivered_and_change_nothing(wrong: Callable[..., Story]) -> None:
    story = wrong("callback.taken", copies=3)
    loan_id = story.borrow()
    repayment_id = story.repay(loan_id, 9_500)

    assert [entry.outcome for entry in story.entity(Callback, callback_of(repayment_id)).log] == ["acked"] * 4
    assert story.page(loan_id)["paid_minor"] == 9_500
    assert story.discrepancies() == []


def test_an_older_event_is_refused_by_an_inbox_that_checks(wrong: Callable[..., Story]) -> None:
    story = wrong("callback.taken", older_event="CLOSED")
    repayment_id = story.repay(story.borrow(), 9_500)

    log = story.entity(Callback, callback_of(repayment_id)).log
    assert ("payment.closed", "callback_out_of_order") in [(entry.event, entry.outcome) for entry in log]
    assert story.discrepancies() == []


def test_an_older_event_that_is_accepted_reverses_the_money_until_the_channel_is_queried(
    wrong: Callable[..., Story],
) -> None:
    story = wrong("callback.taken", older_event="CLOSED", believed=True)
    loan_id = story.borrow()
    repayment_id = story.settle(loan_id)

    assert story.entity(Repayment, repayment_id).status == "F"
    assert story.page(loan_id)["status"] == "USING"
    assert story.discrepancies() == [("missing_in_books", repayment_id, 100_045)]

    for _ in range(2):
        assert story.query_channel(repayment_id)["status"] == "S"

    assert story.page(loan_id)["status"] == "CLEAR"
    assert story.discrepancies() == []
    assert story.broken() == set()

    story.reverse(repayment_id)

    assert story.page(loan_id)["status"] == "USING"
    assert story.discrepancies() == []


def test_a_repayment_posted_by_a_query_can_be_reversed_as_closed_and_queried_again(
    wrong: Callable[..., Story],
) -> None:
    story = wrong("callback.taken", older_event="CLOSED", believed=True)
    repayment_id = story.order(story.borrow(), 9_500)
    story.settle_silently(repayment_id)
    story.query_channel(repayment_id)
    story.wait(1)
    assert story.entity(Repayment, repayment_id).status == "F"

    answer = story.platform.run(QueryChannel(story.sandbox_id, story.key(), repayment_id, "op"))

    assert answer.body["status"] == "S"
    assert story.discrepancies() == []


def test_an_upheld_dispute_restores_a_repayment_that_was_reversed_as_closed(wrong: Callable[..., Story]) -> None:
    story = wrong("callback.taken", older_event="CLOSED", believed=True)
    loan_id = story.borrow()
    trade = story.entity(Trade, out_trade_no(story.settle(loan_id)))
    assert trade.paid_ms is not None
    slip = Piece("bank_slip", "wallet", trade.channel_trade_no, trade.amount_minor, trade.paid_ms, None)
    opened = OpenDispute(story.sandbox_id, story.key(), loan_id, "settled_but_unpaid", None, (slip,))
    dispute_id = story.platform.run(opened).body["id"]
    [finding] = story.platform.run(VerifyDispute(story.sandbox_id, story.key(), dispute_id, "wei")).body["findings"]

    story.platform.run(DecideDispute(story.sandbox_id, story.key(), dispute_id, "UPHELD", "Paid.", "wei", correct=True))

    assert (finding["matches_channel"], finding["booked"], finding["on_books"]) == (True, "F", False)
    assert story.page(loan_id)["status"] == "CLEAR"
    assert story.discrepancies() == []


# --- where such payments are returned ---


def test_a_repayment_wrongly_reversed_as_closed_and_then_returned_is_no_discrepancy(
    wrong: Callable[..., Story],
) -> None:
    story = wrong("callback.taken", older_event="CLOSED", believed=True)
    loan_id = story.borrow()
    repayment_id = story.settle(loan_id)
    assert story.entity(Repayment, repayment_id).status == "F"

    failure = return_payment(story, repayment_id)
    story.wait()

    assert story.entity(Callback, callback_of(failure)).state == "ACKED"
    assert story.entity(Repayment, repayment_id).status == "REVERSED"
    assert (story.page(loan_id)["status"], clearing(story)) == ("USING", 0)
    assert story.discrepancies() == []
    assert story.broken() == set()


def test_an_order_query_posts_the_return_of_a_repayment_reversed_as_closed(wrong: Callable[..., Story]) -> None:
    story = wrong("callback.taken", older_event="CLOSED", believed=True)
    repayment_id = story.settle(story.borrow())
    return_payment(story, repayment_id)

    assert story.query_channel(repayment_id)["status"] == "REVERSED"

    assert clearing(story) == 0
    assert story.discrepancies() == []


@pytest.mark.parametrize(("seam", "changes"), TWICE)
def test_a_second_receipt_stays_a_duplicate_after_the_first_is_returned(
    wrong: Callable[..., Story], seam: str, changes: dict[str, object]
) -> None:
    story = wrong(seam, **changes)
    repayment_id = story.repay(story.borrow(), 9_500)
    second = second_of(story)

    return_payment(story, repayment_id)
    story.wait()

    assert story.discrepancies() == [("duplicate_in_books", second.id, 9_500)]
    assert clearing(story) == 9_500

    reverse(story, second.id)

    assert story.discrepancies() == []
    assert clearing(story) == 0
    assert story.broken() == set()


def test_no_fault_follows_the_callback_of_a_payment_return(wrong: Callable[..., Story]) -> None:
    story = wrong("callback.taken", copies=2, older_event="CLOSED", believed=True)
    failure = return_payment(story, story.repay(story.borrow(), 9_500))
    story.wait()

    log = story.entity(Callback, callback_of(failure)).log
    assert [(entry.event, entry.outcome) for entry in log] == [("payment.returned", "acked")]


ALTERED = [
    ({"altered": "wrong_key"}, "callback_signature_invalid"),
    ({"altered": "wrong_amount"}, "callback_amount_mismatch"),
    ({"altered": "old_timestamp"}, "callback_signature_invalid"),
    ({"discarded": True}, "acked"),
]


@pytest.mark.parametrize(("changes", "outcome"), ALTERED)
def test_a_payment_return_is_missing_until_its_channel_is_queried(
    wrong: Callable[..., Story], changes: dict[str, object], outcome: str
) -> None:
    story = wrong("callback.attempt", **changes)
    repayment_id = story.order(story.borrow(), 9_500)
    story.settle_silently(repayment_id)
    story.query_channel(repayment_id)
    failure = return_payment(story, repayment_id)
    story.wait(1)

    log = story.entity(Callback, callback_of(failure)).log
    assert ("payment.returned", outcome) in [(entry.event, entry.outcome) for entry in log]
    assert story.discrepancies() == [("missing_in_channel", repayment_id, 9_500)]

    story.query_channel(repayment_id)

    assert story.discrepancies() == []


def test_a_callback_of_a_payment_return_is_new_until_the_return_is_posted(
    wrong: Callable[..., Story],
) -> None:
    story = wrong("callback.attempt", altered="wrong_key")
    repayment_id = story.order(story.borrow(), 9_500)
    payment = PayAtChannel(story.sandbox_id, story.key(), "bill_pay", 500, "CNY", "Eve", "?", "OVD_AND_CURRENT")
    pushed = story.platform.run(payment).body["out_trade_no"]
    story.settle_silently(repayment_id)
    query = QueryPayment(story.sandbox_id, None, "bill_pay", pushed, "op")

    def ask_the_channels() -> None:
        story.query_channel(repayment_id)
        story.platform.run(query)

    story.wait(days=1)
    ask_the_channels()
    failures = {return_payment(story, repayment_id), return_payment(story, receipt_of(pushed), "bill_pay")}

    def said_to_be_in_books() -> set[tuple[str, bool]]:
        layer = story.platform.layer
        assert isinstance(layer, Wrong)
        layer.asked.clear()
        story.wait(days=1)
        return {(event.entity, event.in_books) for event in layer.asked if isinstance(event, CallbackAttempt)}

    assert said_to_be_in_books() >= {(failure, False) for failure in failures}

    ask_the_channels()

    assert said_to_be_in_books() >= {(failure, True) for failure in failures}
    assert story.discrepancies() == []
