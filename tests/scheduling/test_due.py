"""Due items: in order of time, and at one time in the order of cause and effect."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import pytest
from sqlalchemy import Connection

from mocklend.sandboxes.ids import callback_of
from mocklend.scheduling.due import EVERY, QUICK, WEBHOOK, Due, _next_sql, _sql, command_for, due
from mocklend.seams.seam import Write
from mocklend.storage.entities import Repayment
from mocklend.storage.statements import Row, flush
from support.sql import rows
from support.story import Clock, Story

DAY_S = 86_400


class Step(NamedTuple):
    """A step of SQLite's plan for a query."""

    id: int
    parent: int
    unused: int
    detail: str


def upcoming(story: Story, seconds: int, *, most: int = 100, only: tuple[str, ...] = EVERY) -> list[Due]:
    with story.platform.read() as connection:
        return list(due(story.snapshot(connection), story.now_ms + seconds * 1000, most, only=only))


def test_nothing_is_due_before_its_time(story: Story) -> None:
    story.order(story.borrow(), 9_500, "bank_card")

    assert upcoming(story, 4) == []
    assert [item.what for item in upcoming(story, 5)] == ["settlement"]


def test_due_items_of_all_kinds_are_in_order_of_time(story: Story) -> None:
    loan_id = story.borrow()
    for channel in ("bank_transfer", "wallet", "bill_pay", "auto_debit"):
        story.order(loan_id, 1_000, channel)

    items = upcoming(story, 40 * DAY_S)

    assert [item.what for item in items[:4]] == ["settlement"] * 4
    assert "due_date" in {item.what for item in items[4:]}
    assert [item.due_ms for item in items] == sorted(item.due_ms for item in items)
    assert [(item.due_ms - story.now_ms) // 1000 for item in items[:4]] == [2, 30, 600, 1800]
    assert {item.loan_id for item in items} == {loan_id}


def test_at_one_time_settlements_precede_callbacks_and_both_precede_the_end_of_day(story: Story) -> None:
    """A payment at midnight after the due date: no event says in between that the loan is overdue."""
    loan_id = story.borrow()
    midnight_ms = next(item.due_ms for item in upcoming(story, 40 * DAY_S) if item.what == "due_date")
    story.wait((midnight_ms - story.now_ms) // 1000 - 2)
    story.order(loan_id, 9_500)

    released = story.wait(2)

    # The callback brings the loan up to the new day, so the calendar has nothing left to do.
    assert [item["kind"] for item in released] == ["settlement", "callback"]
    assert story.page(loan_id)["version"] == 2
    assert story.page(loan_id)["status"] == "USING"
    assert story.discrepancies() == []


def test_no_more_items_are_returned_than_requested(story: Story) -> None:
    loans = [story.borrow(reference=f"loan-{n}") for n in range(5)]
    for loan_id in loans:
        story.order(loan_id, 1_000)

    assert len(upcoming(story, 2, most=3)) == 3
    assert upcoming(story, 2, most=3) == upcoming(story, 2)[:3]


def test_one_kind_can_be_requested_alone(story: Story) -> None:
    story.order(story.borrow(), 1_000)

    everything = upcoming(story, 40 * DAY_S)
    for kind in ("settlement", "due_date"):
        alone = upcoming(story, 40 * DAY_S, only=(kind,))
        assert alone == [item for item in everything if item.what == kind] != []
    assert upcoming(story, 40 * DAY_S, only=WEBHOOK) == []
    assert (*QUICK, *WEBHOOK) == EVERY


def test_another_sandboxs_items_are_not_returned(tell: Callable[..., Story], story: Story) -> None:
    other = tell()
    other.order(other.borrow(), 1_000)

    assert upcoming(story, 400 * DAY_S) == []


def test_doing_what_is_due_a_second_time_changes_nothing(story: Story) -> None:
    """A ticker that died after its commit, or two of them, may do the same work again."""
    loan_id = story.borrow()
    story.order(loan_id, 9_500)
    for kind in ("settlement", "callback", "due_date"):
        item = upcoming(story, 40 * DAY_S, only=(kind,))[0]
        story.sleep(max(0, item.due_ms - story.now_ms) // 1000)
        command = command_for(story.sandbox_id, item)
        story.platform.run(command)
        before = story.everything()

        story.platform.run(command)

        assert story.everything() == before, kind


def test_an_item_without_a_command_raises(story: Story) -> None:
    with pytest.raises(AssertionError, match="no command handles a webhook"):
        command_for(story.sandbox_id, Due(0, "webhook", "msg_x", "loan_x", ""))


@pytest.mark.sqlite_only("it reads the plan of SQLite")
def test_the_query_for_due_items_reads_only_due_rows(story: Story) -> None:
    """Each kind's due times have an index: a sandbox of a hundred thousand loans is not read to find one."""
    sql = _sql(EVERY)
    with story.platform.read() as connection:
        explain = f"EXPLAIN QUERY PLAN {sql}"
        plan = rows(connection, Step, explain, sandbox_id=story.sandbox_id, until_ms=0, most=1)

    # Nor is all that is due at one moment sorted for each batch of it: the index has the order too.
    assert not [row.detail for row in plan if "LAST TERM" in row.detail]
    scans = [
        row.detail for row in plan if row.detail.startswith(("SEARCH", "SCAN")) and "_due" not in row.detail.split()[1]
    ]
    assert len(scans) == len(EVERY)
    assert all(re.search(r"SEARCH .* USING (COVERING )?INDEX .*_ms<\?", step) for step in scans), scans


@pytest.mark.sqlite_only("it reads the plan of SQLite")
def test_what_is_due_next_is_one_row_of_each_index(story: Story) -> None:
    with story.platform.read() as connection:
        explain = f"EXPLAIN QUERY PLAN {_next_sql(())}"
        plan = [row.detail for row in rows(connection, Step, explain, sandbox_id=story.sandbox_id, now_ms=0)]

    searches = [step for step in plan if step.startswith(("SEARCH", "SCAN")) and "_next" not in step.split()[1]]
    assert not [step for step in plan if "LAST TERM" in step]
    assert len(searches) == len(EVERY) + 1
    assert all(re.search(r"SEARCH .* USING (COVERING )?INDEX .*_ms>\?", step) for step in searches), searches


def test_on_a_running_clock_a_settlement_and_its_callback_are_one_commit_that_writes_each_row_once(
    wall: Story, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    loan_ids = [wall.borrow() for _ in range(3)]
    orders = [wall.order(loan_id, 1_000, "wallet") for loan_id in loan_ids]
    clock.ms += 2_000
    written: list[dict[str, int]] = []

    def note(connection: Connection, writes: Sequence[Write], rows: Mapping[str, Sequence[Row]] | None = None) -> None:
        written.append({name: len(some) for name, some in (rows or {}).items()})
        flush(connection, writes, rows or {})

    monkeypatch.setattr("mocklend.writer.flush", note)

    assert wall.platform.tick() == 6

    assert [wall.entity(Repayment, order).applied_ms for order in orders] == [clock.ms] * 3
    callbacks = [(name, rows_of[name]) for rows_of in written for name in rows_of if name.startswith("callbacks.")]
    assert callbacks == [("callbacks.insert", 3)]


def test_an_attempt_at_a_callback_that_no_settlement_has_made_changes_nothing(story: Story) -> None:
    repayment_id = story.order(story.borrow(), 1_000)
    before = story.everything()

    attempt = Due(story.now_ms, "callback", callback_of(repayment_id), "", repayment_id)
    story.platform.run(command_for(story.sandbox_id, attempt))

    assert story.everything() == before
