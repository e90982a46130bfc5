"""Lists of messages and trades: the newest first, by keyset, each page by an index and never over the whole table."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

import pytest

from mocklend.domain.problems import Refused
from mocklend.storage.driver import fetch
from mocklend.storage.entities import Callback, Trade, Webhook
from mocklend.storage.snapshot import Snapshot
from mocklend.views import messages as listing
from mocklend.views.messages import messages, trades
from mocklend.views.reads import Lists, after_cursor
from support.sql import asked
from support.story import Story
from support.webhook_receiver import listen

E = TypeVar("E")

CHANNELS = ("wallet", "bank_card", "wallet", "bank_transfer", "wallet")


@pytest.fixture
def paid(story: Story) -> str:
    """A loan with a repayment through each of the channels, each an hour after the one before."""
    listen(story, "http://127.0.0.1:9/hook", "repayment.ordered")
    loan_id = story.borrow()
    for channel in CHANNELS:
        story.order(loan_id, 1_000, channel)
        story.wait(3_600)
    return loan_id


def all_pages(of: Lists, list_page: Callable[..., tuple[list[E], str | None]], **filters: str) -> list[E]:
    """Every entry of a list, two a page."""
    listed, after = list[E](), ""
    while True:
        page, cursor = list_page(after=after, limit=2, **filters)
        assert len(page) <= 2
        listed += page
        if cursor is None:
            return listed
        after = after_cursor(of, cursor)


def test_callbacks_come_newest_first_and_each_once(story: Story, paid: str) -> None:
    with story.platform.snapshot(story.sandbox_id) as snapshot:
        listed = all_pages(Lists.CALLBACKS, lambda **more: messages(snapshot, Callback, **more))

    assert [callback.channel for callback in listed] == list(reversed(CHANNELS))
    assert len({callback.id for callback in listed}) == len(CHANNELS)


def test_messages_are_filtered_by_loan_state_and_their_own_columns(story: Story, paid: str) -> None:
    other = story.borrow(reference="another")
    story.order(other, 1_000)
    story.wait(3_600)

    with story.platform.snapshot(story.sandbox_id) as snapshot:
        of_other = all_pages(Lists.CALLBACKS, lambda **more: messages(snapshot, Callback, **more), loan_id=other)
        wallet = all_pages(
            Lists.CALLBACKS, lambda **more: messages(snapshot, Callback, **more), channel="wallet", state="ACKED"
        )
        waiting = all_pages(
            Lists.WEBHOOKS, lambda **more: messages(snapshot, Webhook, **more), state="RETRY", loan_id=paid
        )
        given_up = all_pages(Lists.CALLBACKS, lambda **more: messages(snapshot, Callback, **more), state="EXHAUSTED")
        ordered = all_pages(
            Lists.WEBHOOKS, lambda **more: messages(snapshot, Webhook, **more), event="repayment.ordered"
        )

    assert [callback.loan_id for callback in of_other] == [other]
    assert [callback.channel for callback in wallet] == ["wallet"] * 4
    assert {webhook.loan_id for webhook in waiting} == {paid}
    assert given_up == []
    assert len(ordered) == len(CHANNELS) + 1


def test_trades_come_by_their_numbers_and_are_filtered(story: Story, paid: str) -> None:
    story.order(paid, 1_000)

    with story.platform.snapshot(story.sandbox_id) as snapshot:
        listed = all_pages(Lists.TRADES, lambda **more: trades(snapshot, **more))
        unpaid = all_pages(Lists.TRADES, lambda **more: trades(snapshot, **more), state="CREATED", loan_id=paid)
        cards = all_pages(Lists.TRADES, lambda **more: trades(snapshot, **more), channel="bank_card")

    assert [trade.id for trade in listed] == sorted(trade.id for trade in story.entities(Trade))
    assert len(listed) == len(CHANNELS) + 1
    assert [trade.state for trade in unpaid] == ["CREATED"]
    assert [trade.channel for trade in cards] == ["bank_card"]


def test_a_page_looks_at_a_bounded_number_of_rows_and_goes_on(
    story: Story, paid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "SCANNED_MAX", 2)

    with story.platform.snapshot(story.sandbox_id) as snapshot:
        first, cursor = messages(snapshot, Callback, channel="bank_card", limit=1)
        listed = all_pages(Lists.CALLBACKS, lambda **more: messages(snapshot, Callback, **more), channel="bank_card")

    assert first == []
    assert cursor is not None
    assert [callback.channel for callback in listed] == ["bank_card"]


@pytest.mark.parametrize("after", ["x", "1", "-1/cb_1", "9" * 19 + "/cb_1", "/cb_1"])
def test_a_wrong_cursor_is_refused(story: Story, after: str) -> None:
    with (
        story.platform.snapshot(story.sandbox_id) as snapshot,
        pytest.raises(Refused, match="the cursor is invalid"),
    ):
        messages(snapshot, Callback, after=after)


_STEP = re.compile(r"SEARCH (\w+) USING (?:COVERING )?INDEX (\w+)")
CALLBACKS, WEBHOOKS = "ix_callbacks_sandbox_id_", "ix_webhooks_sandbox_id_"


@pytest.mark.sqlite_only("PostgreSQL chooses its plans by statistics")
@pytest.mark.parametrize(
    ("read", "index"),
    [
        (lambda s: messages(s, Callback), f"{CALLBACKS}queued_ms_id"),
        (lambda s: messages(s, Callback, after="5/cb_5"), f"{CALLBACKS}queued_ms_id"),
        (lambda s: messages(s, Callback, channel="wallet"), f"{CALLBACKS}queued_ms_id"),
        (lambda s: messages(s, Callback, loan_id="loan_1", state="RETRY"), f"{CALLBACKS}loan_id_queued_ms_id"),
        (lambda s: messages(s, Callback, state="EXHAUSTED"), f"{CALLBACKS}state_queued_ms_id"),
        (lambda s: messages(s, Callback, state="EXHAUSTED", after="5/cb_5"), f"{CALLBACKS}state_queued_ms_id"),
        (lambda s: messages(s, Webhook, loan_id="loan_1"), f"{WEBHOOKS}loan_id_queued_ms_id"),
        (lambda s: messages(s, Webhook, event="loan.cleared"), f"{WEBHOOKS}queued_ms_id"),
        (lambda s: messages(s, Webhook, state="QUEUED"), f"{WEBHOOKS}state_queued_ms_id"),
        (lambda s: trades(s, loan_id="loan_1"), "ix_trades_sandbox_id_loan_id_id"),
    ],
)
def test_each_list_walks_its_index_without_sorting_the_table(
    story: Story, read: Callable[[Snapshot], object], index: str
) -> None:
    with story.platform.snapshot(story.sandbox_id) as snapshot:
        with asked(story.platform.engine) as ran:
            read(snapshot)
        [(sql, parameters)] = dict(ran).items()
        steps = [str(row[3]) for row in fetch(snapshot.connection, f"EXPLAIN QUERY PLAN {sql}", parameters)]

    assert [step[2] for step in map(_STEP.match, steps) if step is not None] == [index], steps
    of_table = steps[: steps.index("SCAN walked")]  # The rows of one page are put in order after that.
    assert not [step for step in of_table if "TEMP B-TREE" in step]
