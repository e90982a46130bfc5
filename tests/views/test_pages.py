"""The status page: versioned, on the sandbox's clock, and behind the books only by a fault."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from mocklend.domain.problems import Refused
from mocklend.ledger import listing
from mocklend.lending.books import terms_of
from mocklend.runtime import Platform
from mocklend.seams.balance_kept import BalanceKept
from mocklend.seams.seam import EventContext, SeamEvent, Write
from mocklend.seams.view_refresh import ViewRefresh
from mocklend.storage.entities import Loan
from mocklend.views import reads
from mocklend.views.replica_rotation import ReplicaRotation
from support.layers import HonestLayer
from support.story import Story

MONDAY_MS = 1_767_578_400_000


class Lagging(HonestLayer):
    """A layer by which pages lag; it remembers what was signalled."""

    def __init__(self, lag_s: int) -> None:
        self.lag_s = lag_s
        self.changes: dict[str, Any] = {}
        self.evicts = False
        self.asked: list[ViewRefresh] = []
        self.signals: list[str] = []

    def at(self, context: EventContext, event: SeamEvent) -> tuple[SeamEvent, Sequence[Write]]:
        if isinstance(event, ViewRefresh):
            self.asked.append(event)
            return replace(event, lag_s=self.lag_s, **self.changes), ()
        if isinstance(event, BalanceKept):
            return replace(event, evicted=self.evicts), ()
        return event, ()

    def on_signals(self, context: EventContext, signals: Sequence[str]) -> Sequence[Write]:
        self.signals += signals
        return ()


@pytest.fixture
def layer() -> Lagging:
    return Lagging(60)


@pytest.fixture
def lagging(open_platform: Callable[..., Platform], layer: Lagging, seed: int) -> Story:
    """A story in which every page is a minute behind."""
    platform = open_platform(layer)
    return Story(platform, platform.create_sandbox(seed=seed, mode="manual", now_ms=MONDAY_MS))


def test_a_page_has_a_version_and_the_moment_that_it_is_of(story: Story) -> None:
    loan_id = story.borrow()
    first = story.page(loan_id)

    story.repay(loan_id, 5_000)

    second = story.page(loan_id)
    assert (first["version"], second["version"]) == (1, 2)
    assert second["as_of"] == "2026-01-05T02:00:02.000Z"


def test_reading_changes_nothing(story: Story) -> None:
    loan_id = story.borrow()
    before = story.everything()

    with story.platform.read() as connection:
        reads.page(story.snapshot(connection), loan_id)
        reads.instalments(story.snapshot(connection), loan_id, terms_of)
        reads.loans(story.snapshot(connection))
        listing.transactions(story.snapshot(connection))
        reads.repayments(story.snapshot(connection), loan_id)
        reads.edits(story.snapshot(connection), loan_id)
        reads.endpoints(story.sandbox)

    assert story.everything() == before


def test_the_first_version_never_lags(lagging: Story, layer: Lagging) -> None:
    loan_id = lagging.borrow()

    assert lagging.page(loan_id)["status"] == "USING"
    assert layer.asked == []


def test_a_settled_loan_shows_as_unpaid_until_the_lag_is_over(lagging: Story) -> None:
    loan_id = lagging.borrow()

    lagging.settle(loan_id)

    assert lagging.entity(Loan, loan_id).status == "CLEAR"
    assert lagging.page(loan_id)["status"] == "USING"
    assert lagging.discrepancies() == [("stale_view", loan_id, 100_000)]
    lagging.wait(59)
    assert lagging.page(loan_id)["status"] == "USING"
    released = lagging.wait(1)
    assert [item["kind"] for item in released] == ["view"]
    assert lagging.page(loan_id)["status"] == "CLEAR"
    assert lagging.discrepancies() == []


def test_a_lag_ends_by_the_clock_before_the_due_work_is_done(lagging: Story) -> None:
    loan_id = lagging.borrow()
    lagging.settle(loan_id)

    with lagging.platform.read() as connection:
        at = [reads.page(lagging.snapshot(connection, ms), loan_id)["status"] for ms in (0, 59_999, 60_000)]

    assert at == ["USING", "USING", "CLEAR"]


def test_each_page_lags_on_its_own(lagging: Story, layer: Lagging) -> None:
    loan_id = lagging.borrow()
    lagging.repay(loan_id, 5_000)
    lagging.wait(30)
    lagging.repay(loan_id, 6_000)

    read = []
    for seconds in (0, 28, 1, 31):
        lagging.wait(seconds)
        read.append(lagging.page(loan_id)["version"])

    assert read == [1, 2, 2, 3]
    assert [(event.before["version"], event.after["version"]) for event in layer.asked] == [(1, 2), (1, 3)]
    assert lagging.discrepancies() == []
    assert len(lagging.everything()["loan_views"]) == 1


def test_a_version_shown_at_once_replaces_those_that_lag(lagging: Story, layer: Lagging) -> None:
    loan_id = lagging.borrow()
    lagging.repay(loan_id, 5_000)
    layer.lag_s = 0

    lagging.repay(loan_id, 6_000)

    assert lagging.page(loan_id)["version"] == 3
    assert layer.signals[-1] == f"shown:{loan_id}"
    assert lagging.wait(600) == []
    assert lagging.page(loan_id)["version"] == 3
    assert lagging.discrepancies() == []


def test_list_page_and_instalments_are_of_one_version(lagging: Story) -> None:
    loan_id = lagging.borrow()
    lagging.repay(loan_id, 5_000)

    with lagging.platform.read() as connection:
        page = reads.page(lagging.snapshot(connection), loan_id)
        listed = reads.loans(lagging.snapshot(connection))["loans"]
        plan = reads.instalments(lagging.snapshot(connection), loan_id, terms_of)

    assert listed == [page]
    assert plan["version"] == page["version"] == 1
    assert sum(line["paid_minor"] for line in plan["instalments"]) == 0


def test_a_list_is_filtered_by_what_its_pages_show(lagging: Story) -> None:
    loan_id = lagging.borrow()
    lagging.settle(loan_id)

    def listed(status: str) -> list[str]:
        with lagging.platform.read() as connection:
            loans_read = reads.loans(lagging.snapshot(connection), status=status)
            return [loan["id"] for loan in loans_read["loans"]]

    before = listed("USING"), listed("CLEAR")
    lagging.wait(60)

    assert before == ([loan_id], [])
    assert (listed("USING"), listed("CLEAR")) == ([], [loan_id])


def test_a_loan_that_is_not_there_has_no_page(story: Story) -> None:
    with pytest.raises(Refused, match="loan_unknown"):
        story.page("loan_x")


# --- other ways to be behind ---


class Odd:
    """Says what happens to the next versions of a story's pages, and what page, list and plan show of a loan."""

    def __init__(self, story: Story, layer: Lagging) -> None:
        self.story, self._layer = story, layer

    def happens(self, **changes: object) -> None:
        self._layer.lag_s, self._layer.changes = 0, changes

    def versions(self, loan_id: str) -> tuple[int, int, int]:
        story = self.story
        with story.platform.read() as connection:
            listed = reads.loans(story.snapshot(connection))["loans"]
            plan = reads.instalments(story.snapshot(connection), loan_id, terms_of)
        return story.page(loan_id)["version"], listed[0]["version"], plan["version"]


@pytest.fixture
def odd(lagging: Story, layer: Lagging) -> Odd:
    """A story whose next versions do as the test says."""
    return Odd(lagging, layer)


def test_a_version_that_is_lost_is_never_seen_and_the_next_one_is(odd: Odd) -> None:
    loan_id = odd.story.borrow()
    odd.happens(lost=True)
    odd.story.repay(loan_id, 5_000)
    assert "view" not in {item["kind"] for item in odd.story.wait(days=10)}
    behind = odd.versions(loan_id), odd.story.discrepancies()

    odd.happens()
    odd.story.repay(loan_id, 6_000)

    assert behind == ((1, 1, 1), [("stale_view", loan_id, 5_000)])
    assert odd.versions(loan_id) == (3, 3, 3)
    assert odd.story.discrepancies() == []
    assert [row["version"] for row in odd.story.everything()["loan_views"]] == [3]


def test_lost_versions_are_removed(odd: Odd) -> None:
    loan_id = odd.story.borrow()
    odd.happens(lost=True)

    for amount in (1_000, 2_000, 3_000):
        odd.story.repay(loan_id, amount)

    assert [row["version"] for row in odd.story.everything()["loan_views"]] == [1, 4]
    assert odd.story.discrepancies() == [("stale_view", loan_id, 6_000)]


def test_an_old_version_returns_for_a_while(odd: Odd) -> None:
    loan_id = odd.story.borrow()
    odd.happens(right_for_s=30, returned_for_s=60)
    odd.story.repay(loan_id, 5_000)

    read = []
    for seconds in (0, 27, 1, 59, 1):
        odd.story.wait(seconds)
        read.append((odd.versions(loan_id)[0], len(odd.story.discrepancies())))

    assert read == [(2, 0), (2, 0), (2, 0), (1, 1), (1, 1)]
    odd.story.wait(2)
    assert (odd.versions(loan_id), odd.story.discrepancies()) == ((2, 2, 2), [])
    assert [row["version"] for row in odd.story.everything()["loan_views"]] == [2]


def test_an_old_value_that_returned_stays_until_the_next_write(odd: Odd) -> None:
    loan_id = odd.story.borrow()
    odd.happens(right_for_s=30)
    odd.story.repay(loan_id, 5_000)
    odd.story.wait(days=10)
    assert odd.versions(loan_id) == (1, 1, 1)

    odd.happens()
    odd.story.repay(loan_id, 6_000)

    assert (odd.versions(loan_id), odd.story.discrepancies()) == ((3, 3, 3), [])


def test_a_version_that_waits_keeps_what_an_older_one_will_fall_back_to(odd: Odd) -> None:
    loan_id = odd.story.borrow()
    odd.happens(right_for_s=30, returned_for_s=600)
    odd.story.repay(loan_id, 5_000)
    odd.happens(page_lag_s=3_600, list_lag_s=3_600, instalments_lag_s=3_600)
    odd.story.repay(loan_id, 6_000)
    assert odd.versions(loan_id) == (2, 2, 2)

    odd.story.wait(60)

    assert odd.versions(loan_id) == (1, 1, 1)
    assert len(odd.story.discrepancies()) == 1
    odd.story.wait(3_600)
    assert (odd.versions(loan_id), odd.story.discrepancies()) == ((3, 3, 3), [])


@pytest.mark.parametrize(
    ("late", "versions"), [("page_lag_s", (1, 2, 2)), ("list_lag_s", (2, 1, 2)), ("instalments_lag_s", (2, 2, 1))]
)
def test_one_view_lags_while_the_others_are_right(odd: Odd, late: str, versions: tuple[int, int, int]) -> None:
    loan_id = odd.story.borrow()
    odd.happens(**{late: 60})
    odd.story.repay(loan_id, 5_000)

    assert odd.versions(loan_id) == versions
    assert odd.story.discrepancies() == [("stale_view", loan_id, 5_000)]
    odd.story.wait(60)
    assert (odd.versions(loan_id), odd.story.discrepancies()) == ((2, 2, 2), [])


def test_a_view_that_lags_keeps_its_version_when_a_newer_one_waits(odd: Odd) -> None:
    loan_id = odd.story.borrow()
    odd.happens(list_lag_s=3_600)
    odd.story.repay(loan_id, 5_000)
    odd.happens(lost=True)

    odd.story.repay(loan_id, 6_000)

    assert odd.versions(loan_id) == (2, 1, 2)


def test_reads_of_the_page_take_turns_while_its_replicas_differ(odd: Odd) -> None:
    loan_id = odd.story.borrow()
    odd.happens(replica_lag_s=60)
    odd.story.repay(loan_id, 5_000)
    rotation = ReplicaRotation()

    def read() -> int:
        with odd.story.platform.read() as connection:
            version: int = reads.page(odd.story.snapshot(connection), loan_id, rotation)["version"]
            return version

    assert [read() for _ in range(4)] == [2, 1, 2, 1]
    assert odd.story.discrepancies() == [("stale_view", loan_id, 5_000)]
    odd.story.wait(60)
    assert [read() for _ in range(4)] == [2, 2, 2, 2]
    assert odd.story.discrepancies() == []


# --- a balance that is kept apart ---


@pytest.fixture
def forked(odd: Odd, layer: Lagging) -> str:
    """Of two repayments the first was lost from the page's balance with the second."""
    loan_id: str = odd.story.borrow()
    odd.happens()
    odd.story.repay(loan_id, 5_000)
    layer.evicts = True
    odd.story.repay(loan_id, 6_000)
    layer.evicts = False
    return loan_id


def test_a_balance_jumps_back_and_goes_on_from_there(odd: Odd, forked: str) -> None:
    too_much = [odd.story.page(forked)["outstanding_minor"] - odd.story.receivable(forked)]

    odd.story.repay(forked, 7_000)

    too_much.append(odd.story.page(forked)["outstanding_minor"] - odd.story.receivable(forked))
    assert too_much == [5_000, 5_000]
    assert odd.story.discrepancies() == [("wrong_view", forked, 5_000)]
    assert odd.story.broken() == set()


def test_a_page_whose_balance_would_fall_below_zero_is_rebuilt(odd: Odd, layer: Lagging) -> None:
    loan_id = odd.story.borrow()
    odd.happens()
    odd.story.edit(loan_id, 3_000)
    layer.evicts = True
    odd.story.edit(loan_id, 100)
    layer.evicts = False
    assert odd.story.discrepancies() == [("wrong_view", loan_id, 3_000)]

    odd.story.settle(loan_id)

    assert (odd.story.page(loan_id)["outstanding_minor"], odd.story.discrepancies()) == (0, [])
    assert f"rebuilt:{loan_id}" in layer.signals


def test_an_evicted_balance_needs_an_earlier_change(odd: Odd, layer: Lagging) -> None:
    loan_id = odd.story.borrow()
    odd.happens()
    layer.evicts = True

    odd.story.repay(loan_id, 5_000)

    assert odd.story.page(loan_id)["outstanding_minor"] == 95_000
    assert odd.story.discrepancies() == []


def test_a_lagging_page_may_have_a_wrong_balance(odd: Odd, forked: str) -> None:
    odd.happens(lost=True)

    odd.story.repay(forked, 7_000)

    assert sorted(name for name, *_ in odd.story.discrepancies()) == ["stale_view", "wrong_view"]
