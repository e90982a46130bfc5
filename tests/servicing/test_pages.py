"""Rebuilding a page that is behind the books: it is made from them, and nothing is posted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from mocklend.domain.problems import Refused
from mocklend.lending.operator_log import operator_log_of
from mocklend.runtime import Platform
from mocklend.seams.balance_kept import BalanceKept
from mocklend.seams.seam import EventContext, SeamEvent, Write
from mocklend.seams.view_refresh import ViewRefresh
from mocklend.servicing import RebuildPage
from mocklend.views.render import LoanDoc
from support.layers import HonestLayer
from support.story import Story

MONDAY_MS = 1_767_578_400_000


class Behind(HonestLayer):
    """A layer by which views hear of new versions as `changes` says."""

    def __init__(self) -> None:
        self.changes: dict[str, Any] = {"lost": True}
        self.evicts = False
        self.signals: list[str] = []

    def at(self, context: EventContext, event: SeamEvent) -> tuple[SeamEvent, Sequence[Write]]:
        if isinstance(event, BalanceKept):
            return replace(event, evicted=self.evicts), ()
        return (replace(event, **self.changes) if isinstance(event, ViewRefresh) else event), ()

    def on_signals(self, context: EventContext, signals: Sequence[str]) -> Sequence[Write]:
        self.signals += signals
        return ()


@pytest.fixture
def layer() -> Behind:
    return Behind()


@pytest.fixture
def behind(open_platform: Callable[..., Platform], layer: Behind, seed: int) -> Story:
    """A story in which no page hears of a new version."""
    platform = open_platform(layer)
    return Story(platform, platform.create_sandbox(seed=seed, mode="manual", now_ms=MONDAY_MS))


def rebuilt(story: Story, loan_id: str) -> LoanDoc:
    """What the operator is answered."""
    return story.run(RebuildPage(story.sandbox_id, None, loan_id, "behind", "grace"), LoanDoc)


@pytest.mark.parametrize(
    "changes",
    [{"lost": True}, {"lag_s": 600}, {"list_lag_s": 600}, {"replica_lag_s": 600}, {"right_for_s": 1}],
)
def test_a_rebuilt_page_shows_what_the_books_say(behind: Story, layer: Behind, changes: dict[str, object]) -> None:
    loan_id = behind.borrow()
    layer.changes = changes
    behind.settle(loan_id)
    behind.wait(2)
    journal = behind.journal(loan_id)
    assert [name for name, *_ in behind.discrepancies()] == ["stale_view"]

    answer = rebuilt(behind, loan_id)

    assert (answer["status"], answer["version"]) == ("CLEAR", 2)
    assert behind.page(loan_id) == answer
    assert behind.journal(loan_id) == journal
    assert behind.discrepancies() == []
    assert layer.signals[-1] == f"rebuilt:{loan_id}"
    assert "view" not in {item["kind"] for item in behind.wait(days=1)}
    assert (behind.page(loan_id), behind.discrepancies()) == (answer, [])


def test_the_operator_log_keeps_who_rebuilt_the_page_and_why(behind: Story) -> None:
    loan_id = behind.borrow()
    behind.settle(loan_id)

    rebuilt(behind, loan_id)

    with behind.platform.read() as connection:
        [act] = operator_log_of(behind.snapshot(connection), loan_id)
    assert (act["action"], act["operator"], act["memo"]) == ("page.rebuilt", "grace", "behind")
    assert act["before"] == act["after"]


def test_rebuilding_a_right_page_changes_nothing(story: Story) -> None:
    loan_id = story.borrow()
    story.settle(loan_id)
    before = story.everything()

    assert rebuilt(story, loan_id) == story.page(loan_id)

    assert story.everything() == before


def test_a_page_is_rebuilt_once_and_the_next_version_may_be_lost_again(behind: Story) -> None:
    loan_id = behind.borrow()
    for amount in (1_000, 2_000):
        behind.repay(loan_id, amount)
        rebuilt(behind, loan_id)
        rebuilt(behind, loan_id)

    assert behind.page(loan_id)["version"] == 3
    with behind.platform.read() as connection:
        assert len(operator_log_of(behind.snapshot(connection), loan_id)) == 2


def test_an_unknown_loan_has_no_page_to_rebuild(story: Story) -> None:
    with pytest.raises(Refused, match="loan_unknown"):
        rebuilt(story, "loan_x")


def test_a_balance_that_has_lost_a_change_is_rebuilt(behind: Story, layer: Behind) -> None:
    loan_id = behind.borrow()
    layer.changes, layer.evicts = {}, True
    for amount in (5_000, 6_000):
        behind.repay(loan_id, amount)
    assert behind.discrepancies() == [("wrong_view", loan_id, 5_000)]

    rebuilt(behind, loan_id)

    assert (behind.page(loan_id)["outstanding_minor"], behind.discrepancies()) == (behind.receivable(loan_id), [])
