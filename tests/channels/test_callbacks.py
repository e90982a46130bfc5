"""Callbacks: attempted at exactly the published times, delivered at least once, applied once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any

import pytest
from msgspec import structs, to_builtins

from mocklend.channels.messages import callback_body, paid_message, read_callback
from mocklend.channels.payments import PayAtChannel
from mocklend.client import Doc
from mocklend.domain.channel import RETRY_SCHEDULES, channel_of, channels
from mocklend.runtime import Platform
from mocklend.sandboxes.ids import callback_of, out_trade_no, receipt_of
from mocklend.sandboxes.timestamps import parse_rfc3339, rfc3339
from mocklend.seams.callback_attempt import LOST_FOR_GOOD, CallbackAttempt
from mocklend.seams.seam import EventContext, SeamEvent, Write
from mocklend.storage.entities import Callback, Repayment, Trade
from mocklend.storage.work import Answer, Key, Work
from support.layers import HonestLayer
from support.story import Story

MONDAY_MS = 1_767_578_400_000
PROFILES = {channel.profile: channel.id for channel in channels().values()}


class Losing(HonestLayer):
    """A layer that loses this many attempts of every callback."""

    def __init__(self, attempts: int) -> None:
        self.attempts = attempts
        self.more: dict[str, Any] = {}
        self.asked: list[CallbackAttempt] = []

    def at(self, context: EventContext, event: SeamEvent) -> tuple[SeamEvent, Sequence[Write]]:
        if isinstance(event, CallbackAttempt):
            self.asked.append(event)
            first = event.occurrence == 1
            return replace(event, lost_attempts=self.attempts * first, **(self.more if first else {})), ()
        return event, ()


@pytest.fixture
def losing(open_platform: Callable[..., Platform], story: Story, seed: int) -> Callable[[int], tuple[Story, Losing]]:
    """A story on a platform that loses callbacks; it can be restarted."""

    def tell(attempts: int) -> tuple[Story, Losing]:
        layer = Losing(attempts)
        platform = open_platform(layer)
        return Story(platform, platform.create_sandbox(seed=seed, mode="manual", now_ms=MONDAY_MS)), layer

    return tell


def callback(story: Story, repayment_id: str) -> tuple[Callback, list[Doc]]:
    callback_row = story.entity(Callback, callback_of(repayment_id))
    return callback_row, to_builtins(callback_row.log)


def _pushed(story: Story, loan_id: str) -> str:
    payment = PayAtChannel(
        story.sandbox_id, story.key(), "bank_card", 9_500, "CNY", "Ada", loan_id, scope="OVD_AND_CURRENT"
    )
    return receipt_of(story.platform.run(payment).body["out_trade_no"])


def test_every_retry_schedule_has_its_published_total() -> None:
    assert {
        profile: (len(retry_schedule), sum(retry_schedule)) for profile, retry_schedule in RETRY_SCHEDULES.items()
    } == {
        "standard": (10, 75 * 3600 + 35 * 60 + 5),
        "alipay": (8, 24 * 3600 + 24 * 60),
        "wechat": (16, 24 * 3600 + 4 * 60),
    }
    assert set(PROFILES) == set(RETRY_SCHEDULES)


@pytest.mark.parametrize("profile", RETRY_SCHEDULES)
def test_a_lost_callback_is_retried_at_exactly_the_published_times(
    losing: Callable[[int], tuple[Story, Losing]], profile: str
) -> None:
    story, layer = losing(LOST_FOR_GOOD)
    loan_id = story.borrow()
    repayment_id = story.order(loan_id, 9_500, PROFILES[profile])
    settled_ms = story.now_ms + channel_of(PROFILES[profile]).settle_delay_s * 1000

    released = story.wait(days=10)

    message, log = callback(story, repayment_id)
    attempt_times = [settled_ms + after * 1000 for after in accumulate(RETRY_SCHEDULES[profile])]
    assert [parse_rfc3339(entry["at"]) for entry in log] == attempt_times
    assert [parse_rfc3339(i["at"]) for i in released if i["kind"] == "callback"] == attempt_times
    assert {entry["outcome"] for entry in log} == {"lost"}
    assert (message.state, message.due_ms, message.acked_ms) == ("EXHAUSTED", None, None)
    assert len(layer.asked) == 1  # Its fate is settled once.
    assert story.entity(Repayment, repayment_id).status == "PROCESSING"
    assert story.discrepancies() == [("missing_in_books", repayment_id, 9_500)]


@pytest.mark.parametrize("lost", [1, 2, 5])
def test_the_attempt_after_the_lost_ones_arrives(losing: Callable[[int], tuple[Story, Losing]], lost: int) -> None:
    story, _ = losing(lost)
    repayment_id = story.order(story.borrow(), 9_500, "bank_card")

    story.wait(days=1)

    message, log = callback(story, repayment_id)
    assert [entry["outcome"] for entry in log] == ["lost"] * lost + ["acked"]
    retry_schedule = list(accumulate(RETRY_SCHEDULES["wechat"]))
    assert message.acked_ms == message.queued_ms + retry_schedule[lost] * 1000
    repayment = story.entity(Repayment, repayment_id)
    assert (repayment.status, repayment.applied_ms) == ("S", message.acked_ms)
    assert repayment.paid_ms == message.queued_ms
    assert story.discrepancies() == []


def test_a_restarted_platform_continues_the_retry_schedule(
    losing: Callable[[int], tuple[Story, Losing]], open_platform: Callable[..., Platform]
) -> None:
    story, layer = losing(LOST_FOR_GOOD)
    repayment_id = story.order(story.borrow(), 9_500, "bank_card")
    story.wait(60)
    assert len(callback(story, repayment_id)[1]) == 3
    story.platform.close()

    story.platform = open_platform(layer)
    story.wait(days=10)

    message, log = callback(story, repayment_id)
    times = [parse_rfc3339(entry["at"]) for entry in log]
    assert times == [message.queued_ms + after * 1000 for after in accumulate(RETRY_SCHEDULES["wechat"])]
    assert message.state == "EXHAUSTED"


def test_a_callback_before_its_first_attempt_is_in_transit_and_after_a_lost_one_missing(
    losing: Callable[[int], tuple[Story, Losing]],
) -> None:
    story, _ = losing(1)
    loan_id = story.borrow()
    repayment_id = story.order(loan_id, 9_500)
    story.settle_silently(repayment_id)

    on_its_way = story.platform.audit(story.sandbox_id)
    story.wait(0)
    lost = story.platform.audit(story.sandbox_id)
    story.wait(5)
    arrived = story.platform.audit(story.sandbox_id)

    assert [(item.entity, item.since_ms) for item in on_its_way.in_transit] == [(repayment_id, story.now_ms - 5_000)]
    assert on_its_way.clean
    assert [discrepancy.finding.finding_class for discrepancy in lost.discrepancies] == ["missing_in_books"]
    assert lost.in_transit == []
    assert (arrived.discrepancies, arrived.in_transit) == ([], [])


def test_an_order_query_posts_a_payment_whose_callback_was_lost(losing: Callable[[int], tuple[Story, Losing]]) -> None:
    story, _ = losing(LOST_FOR_GOOD)
    loan_id = story.borrow()
    repayment_id = story.order(loan_id, 9_500)
    story.wait(2)

    assert story.query_channel(repayment_id)["status"] == "S"
    assert story.query_channel(repayment_id)["status"] == "S"

    assert story.discrepancies() == []
    story.wait(days=5)
    assert story.page(loan_id)["paid_minor"] == 9_500


def test_a_late_delivery_of_what_the_books_have_is_acknowledged_and_changes_nothing(
    losing: Callable[[int], tuple[Story, Losing]],
) -> None:
    story, _ = losing(2)
    loan_id = story.borrow()
    repayment_id = story.order(loan_id, 9_500)
    story.wait(2)
    story.query_channel(repayment_id)
    before = story.journal(loan_id)

    story.wait(days=1)

    assert callback(story, repayment_id)[0].state == "ACKED"
    assert story.journal(loan_id) == before
    assert story.discrepancies() == []


@pytest.mark.parametrize(
    ("altered", "refusal"),
    [
        ("wrong_key", "callback_signature_invalid"),
        ("wrong_amount", "callback_amount_mismatch"),
        ("old_timestamp", "callback_signature_invalid"),
    ],
)
@pytest.mark.parametrize("pushed", [False, True])
def test_an_altered_callback_is_refused_and_the_next_attempt_arrives(
    losing: Callable[[int], tuple[Story, Losing]], altered: str, refusal: str, pushed: bool
) -> None:
    story, layer = losing(0)
    layer.more = {"altered": altered}
    loan_id = story.borrow()
    about = _pushed(story, loan_id) if pushed else story.order(loan_id, 9_500, "bank_card")

    story.wait(days=1)

    message, log = callback(story, about)
    assert [entry["outcome"] for entry in log] == [refusal, "acked"]
    assert message.state == "ACKED"
    assert [event.in_books for event in layer.asked] == [False, False]
    assert story.page(loan_id)["paid_minor"] == 9_500
    assert story.discrepancies() == []


def test_a_callback_answered_200_and_dropped_is_not_retried(losing: Callable[[int], tuple[Story, Losing]]) -> None:
    story, layer = losing(0)
    layer.more = {"discarded": True}
    repayment_id = story.order(story.borrow(), 9_500)

    story.wait(days=10)

    message, log = callback(story, repayment_id)
    assert [entry["outcome"] for entry in log] == ["acked"]
    assert (message.state, message.due_ms, message.applied_ms) == ("ACKED", None, None)
    assert message.acked_ms is not None
    assert story.entity(Repayment, repayment_id).status == "PROCESSING"
    assert story.discrepancies() == [("missing_in_books", repayment_id, 9_500)]


def test_a_callback_attempt_says_whether_the_books_have_its_payment(
    losing: Callable[[int], tuple[Story, Losing]],
) -> None:
    story, layer = losing(2)
    repayment_id = story.order(story.borrow(), 9_500)
    story.wait(2)
    story.query_channel(repayment_id)

    story.wait(days=1)

    assert [event.in_books for event in layer.asked] == [False, True]


def test_the_same_attempt_twice_is_made_once(story: Story) -> None:
    repayment_id = story.order(story.borrow(), 9_500)
    story.settle_silently(repayment_id)
    attempt = story.callback(repayment_id)
    story.platform.run(attempt)
    before = story.everything()

    story.platform.run(attempt)

    assert story.everything() == before


@pytest.mark.parametrize("channel", channels())
def test_each_channel_settles_after_its_own_delay(story: Story, channel: str) -> None:
    loan_id = story.borrow()
    repayment_id = story.order(loan_id, 9_500, channel)
    delay = channel_of(channel).settle_delay_s

    before, then = story.wait(delay - 1), story.wait(1)

    assert before == []
    assert [item["kind"] for item in then] == ["settlement", "callback"]
    assert story.entity(Trade, out_trade_no(repayment_id)).paid_ms == story.now_ms


def test_an_attempt_that_another_process_has_made_is_not_made_again_before_its_time(story: Story) -> None:
    """Two processes on one database may both see it due."""
    from mocklend.channels.callbacks import AttemptCallback

    repayment_id = story.order(story.borrow(), 1_000)
    story.settle_silently(repayment_id)
    callback = story.entity(Callback, callback_of(repayment_id))
    story.platform.run(AddAttempt(story.sandbox_id, callback.id, story.now_ms + 5_000))
    before = story.everything()

    story.platform.run(AttemptCallback(story.sandbox_id, callback.id, repayment_id, callback.loan_id))

    assert story.everything() == before


class AddAttempt:
    """The other process: its attempt was lost, and the next is due later."""

    idem = None

    def __init__(self, sandbox_id: str, callback_id: str, due_ms: int) -> None:
        self.sandbox_id, self.callback_id, self.due_ms = sandbox_id, callback_id, due_ms

    def needs(self) -> Iterable[Key]:
        return ()

    def decide(self, work: Work) -> Answer:
        from mocklend.storage.work import Answer

        callback = work.get(Callback, self.callback_id)
        work.put(structs.replace(callback, state="RETRY", attempts=1, due_ms=self.due_ms))
        return Answer(200, {})


def test_what_the_inbox_is_handed_is_what_it_would_read(story: Story) -> None:
    trade = story.entity(Trade, out_trade_no(story.repay(story.borrow(100_000), 1_000)))
    at = rfc3339(story.now_ms)

    assert paid_message(trade, at) == read_callback(callback_body(trade, at).encode())
