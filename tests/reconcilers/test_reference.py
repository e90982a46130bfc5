"""The reference reconcilers against every kind's lesson: what `thorough` finds is what the answer key expects."""

from __future__ import annotations

import pytest

from mocklend.reconcilers import naive, thorough
from mocklend.reconcilers.repair import repair
from mocklend_faults.engine.catalogue import installed
from support import paired_runs
from support.paired_runs import StoryRun


@pytest.mark.long
@pytest.mark.parametrize("fault", sorted(installed()))
def test_the_thorough_reconciler_finds_each_single_fault_and_nothing_else(fault: str, mocklend_server: str) -> None:
    lesson = paired_runs.lesson_of(fault)
    with paired_runs.story_run(mocklend_server, **lesson.sandbox) as run:
        run.client.arm(fault, match=lesson.match, select=lesson.select, **lesson.settings)
        lesson.story(run)

        findings = thorough.reconcile(run.client)

        expected = _expected(run)  # A statement is made, well or badly, when somebody asks for it.
        # What only an answer suffers from is over with that answer.
        assert expected or installed()[fault].finding == "timing", "the story shows nothing of the fault"
        assert sorted((finding.finding_class, finding.entity) for finding in findings) == expected, findings
        run.client.halt()
        outcomes = repair(run.client, findings)
        assert all(outcome in ("done", "left alone") for _, outcome in outcomes), outcomes
        left = thorough.reconcile(run.client)
        assert [story_left for story_left in left if story_left.action not in ("wait", "escalate")] == []


@pytest.mark.long
@pytest.mark.parametrize("fault", sorted(installed()))
def test_neither_reconciler_finds_anything_in_an_honest_story(fault: str, mocklend_server: str) -> None:
    lesson = paired_runs.lesson_of(fault)
    with paired_runs.story_run(mocklend_server, **lesson.sandbox) as run:
        lesson.story(run)

        assert thorough.reconcile(run.client) == []
        assert naive.reconcile(run.client) == []


def test_the_naive_reconciler_reports_a_late_page_as_a_break_of_the_books(mocklend_server: str) -> None:
    with paired_runs.story_run(mocklend_server) as run:
        run.client.arm("cache.bounded_stale")
        run.paid_off(run.loan())

        [findings] = naive.reconcile(run.client)

        assert (findings.finding_class, findings.action) == ("missing_in_books", "post")


def test_the_naive_reconciler_finds_a_lost_payment_the_day_after(mocklend_server: str) -> None:
    with paired_runs.story_run(mocklend_server) as run:
        run.client.arm("callback.dropped")
        repayment = run.paid_off(run.loan())
        assert naive.reconcile(run.client) == []

        run.client.advance("P1D")

        assert [(finding.finding_class, finding.entity) for finding in naive.reconcile(run.client)] == [
            ("missing_in_books", repayment)
        ]


def _expected(run: StoryRun) -> list[tuple[str, str]]:
    entries = run.client.answer_key(status="active")["entries"]
    return sorted((entry["expected"]["class"], entry["expected"]["entity"]) for entry in entries)
