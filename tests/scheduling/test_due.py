"""What falls due: in order of time, and at one moment in the order in which things follow from each other."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

import pytest

from mocklend.scheduling.due import EVERY, QUICK, WEBHOOK, Due, _sql, command_for, due
from support.sql import rows
from support.story import Story

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


def test_what_is_due_is_in_order_of_time_whatever_it_is(story: Story) -> None:
    loan_id = story.borrow()
    for channel in ("bank_transfer", "wallet", "bill_pay", "auto_debit"):
        story.order(loan_id, 1_000, channel)

    items = upcoming(story, 40 * DAY_S)

    assert [item.what for item in items[:4]] == ["settlement"] * 4
    assert "due_date" in {item.what for item in items[4:]}
    assert [item.due_ms for item in items] == sorted(item.due_ms for item in items)
    assert [(item.due_ms - story.now_ms) // 1000 for item in items[:4]] == [2, 30, 600, 1800]
    assert {item.loan_id for item in items} == {loan_id}


def test_at_one_moment_money_comes_before_the_message_and_both_before_the_calendar(story: Story) -> None:
    """Paid on the stroke of midnight after the due date: nobody is told of an overdue loan in between."""
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


def test_no_more_is_given_than_asked_for(story: Story) -> None:
    loans = [story.borrow(reference=f"loan-{n}") for n in range(5)]
    for loan_id in loans:
        story.order(loan_id, 1_000)

    assert len(upcoming(story, 2, most=3)) == 3
    assert upcoming(story, 2, most=3) == upcoming(story, 2)[:3]


def test_one_kind_can_be_asked_for_alone(story: Story) -> None:
    story.order(story.borrow(), 1_000)

    everything = upcoming(story, 40 * DAY_S)
    for kind in ("settlement", "due_date"):
        alone = upcoming(story, 40 * DAY_S, only=(kind,))
        assert alone == [item for item in everything if item.what == kind] != []
    assert upcoming(story, 40 * DAY_S, only=WEBHOOK) == []
    assert (*QUICK, *WEBHOOK) == EVERY


def test_another_sandboxs_work_is_not_ours(tell: Callable[..., Story], story: Story) -> None:
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


def test_what_has_no_command_says_so(story: Story) -> None:
    with pytest.raises(AssertionError, match="no command handles a webhook"):
        command_for(story.sandbox_id, Due(0, "webhook", "msg_x", "loan_x", ""))


def test_asking_what_is_due_reads_what_is_due_and_nothing_else(story: Story) -> None:
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
