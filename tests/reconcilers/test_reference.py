"""The reference reconcilers against every kind's lesson: what `thorough` finds is what the answer key expects."""

from __future__ import annotations

import pytest

from mocklend.reconcilers import naive, thorough
from mocklend.reconcilers.repair import repair
from mocklend_faults.engine.catalogue import installed
from support import paired_runs
from support.paired_runs import Told


@pytest.mark.long
@pytest.mark.parametrize("fault", sorted(installed()))
def test_the_thorough_one_finds_each_single_fault_and_nothing_else(fault: str, mocklend_server: str) -> None:
    lesson = paired_runs.lesson_of(fault)
    with paired_runs.telling(mocklend_server, **lesson.sandbox) as told:
        told.client.arm(fault, match=lesson.match, select=lesson.select, **lesson.settings)
        lesson.story(told)

        found = thorough.reconcile(told.client)

        wanted = _expected(told)  # A statement is made, well or badly, when somebody asks for it.
        # What only an answer suffers from is over with that answer.
        assert wanted or installed()[fault].finding == "timing", "the story shows nothing of the fault"
        assert sorted((one.finding_class, one.entity) for one in found) == wanted, found
        told.client.halt()
        outcomes = repair(told.client, found)
        assert all(outcome in ("done", "left alone") for _, outcome in outcomes), outcomes
        left = thorough.reconcile(told.client)
        assert [one for one in left if one.action not in ("wait", "escalate")] == []


@pytest.mark.long
@pytest.mark.parametrize("fault", sorted(installed()))
def test_neither_finds_anything_in_an_honest_story(fault: str, mocklend_server: str) -> None:
    lesson = paired_runs.lesson_of(fault)
    with paired_runs.telling(mocklend_server, **lesson.sandbox) as told:
        lesson.story(told)

        assert thorough.reconcile(told.client) == []
        assert naive.reconcile(told.client) == []


def test_the_naive_one_takes_a_late_page_for_a_break_of_the_books(mocklend_server: str) -> None:
    with paired_runs.telling(mocklend_server) as told:
        told.client.arm("cache.bounded_stale")
        told.paid_off(told.loan())

        [found] = naive.reconcile(told.client)

        assert (found.finding_class, found.action) == ("missing_in_books", "post")


def test_the_naive_one_sees_a_lost_payment_the_day_after(mocklend_server: str) -> None:
    with paired_runs.telling(mocklend_server) as told:
        told.client.arm("callback.dropped")
        repayment = told.paid_off(told.loan())
        assert naive.reconcile(told.client) == []

        told.client.advance("P1D")

        assert [(one.finding_class, one.entity) for one in naive.reconcile(told.client)] == [
            ("missing_in_books", repayment)
        ]


def _expected(told: Told) -> list[tuple[str, str]]:
    entries = told.client.answer_key(status="active")["entries"]
    return sorted((entry["expected"]["class"], entry["expected"]["entity"]) for entry in entries)
