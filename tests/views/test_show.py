"""Showing a version after its lag: older versions are removed, newer ones stay, and it is idempotent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from mocklend.runtime import Platform
from mocklend.seams.seam import EventContext, SeamEvent, Write
from mocklend.seams.view_refresh import ViewRefresh
from mocklend.storage.statements import Value
from mocklend.views.show import ShowVersion
from support.layers import HonestLayer
from support.story import Story

MONDAY_MS = 1_767_578_400_000


class Lagging(HonestLayer):
    """A layer by which every page is a minute behind."""

    def at(self, context: EventContext, event: SeamEvent) -> tuple[SeamEvent, Sequence[Write]]:
        return (replace(event, lag_s=60) if isinstance(event, ViewRefresh) else event), ()


@pytest.fixture
def lagging(open_platform: Callable[..., Platform], seed: int) -> Story:
    """A story in which every page is a minute behind."""
    platform = open_platform(Lagging())
    return Story(platform, platform.create_sandbox(seed=seed, mode="manual", now_ms=MONDAY_MS))


def versions(story: Story) -> list[tuple[Value, bool]]:
    """The versions that are kept, and whether each still waits."""
    return [(row["version"], row["due_ms"] is not None) for row in story.everything()["loan_views"]]


def test_versions_older_than_a_shown_one_are_removed(lagging: Story) -> None:
    loan_id = lagging.borrow()
    lagging.repay(loan_id, 5_000)
    before = versions(lagging)

    lagging.platform.run(ShowVersion(lagging.sandbox_id, loan_id, 2))

    assert before == [(1, False), (2, True)]
    assert versions(lagging) == [(2, False)]


def test_newer_versions_wait_for_their_time(lagging: Story) -> None:
    loan_id = lagging.borrow()
    lagging.repay(loan_id, 5_000)
    lagging.wait(10)
    lagging.repay(loan_id, 6_000)

    lagging.platform.run(ShowVersion(lagging.sandbox_id, loan_id, 2))

    assert versions(lagging) == [(2, False), (3, True)]
    lagging.wait(60)
    assert versions(lagging) == [(3, False)]
    assert lagging.discrepancies() == []


def test_showing_a_version_twice_or_late_changes_nothing(lagging: Story) -> None:
    loan_id = lagging.borrow()
    lagging.repay(loan_id, 5_000)
    lagging.wait(10)
    lagging.repay(loan_id, 6_000)
    lagging.wait(60)
    noted = frozenset({"changes"})  # That the loan was written again is noted, whatever has changed.
    before = lagging.everything(without=noted)

    for version in (3, 2, 1):
        lagging.platform.run(ShowVersion(lagging.sandbox_id, loan_id, version))

    assert lagging.everything(without=noted) == before


def test_showing_a_page_does_not_affect_another_loan(lagging: Story) -> None:
    loans = [lagging.borrow(reference=name) for name in ("one", "other")]
    for loan_id in loans:
        lagging.repay(loan_id, 5_000)

    lagging.platform.run(ShowVersion(lagging.sandbox_id, loans[0], 2))

    versions = {row["loan_id"]: row["version"] for row in lagging.everything()["loan_views"] if row["due_ms"] is None}
    assert versions == {loans[0]: 2, loans[1]: 1}


def test_the_answer_names_what_is_shown(lagging: Story) -> None:
    loan_id = lagging.borrow()

    answer = lagging.platform.run(ShowVersion(lagging.sandbox_id, loan_id, 1))

    assert (answer.status, answer.body) == (200, {"loan_id": loan_id, "version": 1})
