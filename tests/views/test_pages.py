"""The status page: versioned, on the sandbox's clock, and behind the books only where a fault says so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from mocklend.domain.problems import Refused
from mocklend.lending.books import terms_of
from mocklend.seams import Scene, ViewRefresh, Write
from mocklend.views import reads

MONDAY_MS = 1_767_578_400_000


class Lagging:
    """A layer by which pages lag; it remembers what was signalled."""

    def __init__(self, lag_s: int) -> None:
        self.lag_s = lag_s
        self.asked: list[ViewRefresh] = []
        self.signals: list[str] = []

    def begin(self, connection: Any, sandboxes: Iterable[tuple[str, int]]) -> None: ...

    def armed(self, sandbox_id: str) -> bool:
        return True

    def act(self, scene: Scene, given: Any) -> tuple[Any, Sequence[Write]]:
        if isinstance(given, ViewRefresh):
            self.asked.append(given)
            return replace(given, lag_s=self.lag_s), ()
        return given, ()

    def heard(self, scene: Scene, signals: Sequence[str]) -> Sequence[Write]:
        self.signals += signals
        return ()

    def end(self) -> Sequence[Write]:
        return ()

    def committed(self) -> None: ...


@pytest.fixture
def layer() -> Lagging:
    return Lagging(60)


@pytest.fixture
def lagging(open_lender: Any, story: Any, layer: Lagging, seed: int) -> Any:
    """A story in which every page is a minute behind."""
    lender = open_lender(layer)
    return type(story)(lender, lender.create_sandbox(seed=seed, mode="manual", now_ms=MONDAY_MS))


def test_a_page_has_a_version_and_the_moment_that_it_is_of(story: Any) -> None:
    loan_id = story.borrow()
    first = story.page(loan_id)

    story.repay(loan_id, 5_000)

    second = story.page(loan_id)
    assert (first["version"], second["version"]) == (1, 2)
    assert second["as_of"] == "2026-01-05T02:00:02.000Z"


def test_reading_changes_nothing(story: Any) -> None:
    loan_id = story.borrow()
    before = story.everything()

    with story.lender.read() as connection:
        reads.page(connection, story.sandbox_id, story.now_ms, loan_id)
        reads.instalments(connection, story.sandbox_id, story.now_ms, loan_id, terms_of)
        reads.loans(connection, story.sandbox_id, story.now_ms)
        reads.transactions(connection, story.sandbox_id)
        reads.repayments(connection, story.sandbox_id, loan_id)
        reads.edits(connection, story.sandbox_id, loan_id)
        reads.endpoints(story.sandbox)

    assert story.everything() == before


def test_the_first_page_never_lags_since_there_is_nothing_to_show_instead(lagging: Any, layer: Lagging) -> None:
    loan_id = lagging.borrow()

    assert lagging.page(loan_id)["status"] == "USING"
    assert layer.asked == []


def test_a_settled_loan_shows_as_unpaid_until_the_lag_is_over(lagging: Any) -> None:
    loan_id = lagging.borrow()

    lagging.settle(loan_id)

    assert lagging.entity("loan", loan_id).status == "CLEAR"
    assert lagging.page(loan_id)["status"] == "USING"
    assert lagging.discrepancies() == [("stale_view", loan_id, 100_000)]
    lagging.wait(59)
    assert lagging.page(loan_id)["status"] == "USING"
    released = lagging.wait(1)
    assert [item["kind"] for item in released] == ["view"]
    assert lagging.page(loan_id)["status"] == "CLEAR"
    assert lagging.discrepancies() == []


def test_a_lag_is_over_on_the_clock_even_before_anybody_tidies_up(lagging: Any) -> None:
    loan_id = lagging.borrow()
    lagging.settle(loan_id)

    with lagging.lender.read() as connection:
        at = [
            reads.page(connection, lagging.sandbox_id, lagging.now_ms + ms, loan_id)[0]["status"]
            for ms in (0, 59_999, 60_000)
        ]

    assert at == ["USING", "USING", "CLEAR"]


def test_each_page_lags_on_its_own(lagging: Any, layer: Lagging) -> None:
    loan_id = lagging.borrow()
    lagging.repay(loan_id, 5_000)
    lagging.wait(30)
    lagging.repay(loan_id, 6_000)

    seen = []
    for seconds in (0, 28, 1, 31):
        lagging.wait(seconds)
        seen.append(lagging.page(loan_id)["version"])

    assert seen == [1, 2, 2, 3]
    assert [(given.before["version"], given.after["version"]) for given in layer.asked] == [(1, 2), (1, 3)]
    assert lagging.discrepancies() == []
    assert len(lagging.everything()["loan_views"]) == 1


def test_a_page_shown_at_once_overtakes_those_that_lag(lagging: Any, layer: Lagging) -> None:
    loan_id = lagging.borrow()
    lagging.repay(loan_id, 5_000)
    layer.lag_s = 0

    lagging.repay(loan_id, 6_000)

    assert lagging.page(loan_id)["version"] == 3
    assert layer.signals[-1] == f"shown:{loan_id}"
    assert lagging.wait(600) == []
    assert lagging.page(loan_id)["version"] == 3
    assert lagging.discrepancies() == []


def test_list_page_and_instalments_are_of_one_version(lagging: Any) -> None:
    loan_id = lagging.borrow()
    lagging.repay(loan_id, 5_000)

    with lagging.lender.read() as connection:
        page = reads.page(connection, lagging.sandbox_id, lagging.now_ms, loan_id)[0]
        listed = reads.loans(connection, lagging.sandbox_id, lagging.now_ms)["loans"]
        plan = reads.instalments(connection, lagging.sandbox_id, lagging.now_ms, loan_id, terms_of)

    assert listed == [page]
    assert plan["version"] == page["version"] == 1
    assert sum(line["paid_minor"] for line in plan["instalments"]) == 0


def test_a_list_is_filtered_by_what_its_pages_show(lagging: Any) -> None:
    loan_id = lagging.borrow()
    lagging.settle(loan_id)

    def listed(status: str) -> list[str]:
        with lagging.lender.read() as connection:
            found = reads.loans(connection, lagging.sandbox_id, lagging.now_ms, status=status)
            return [loan["id"] for loan in found["loans"]]

    before = listed("USING"), listed("CLEAR")
    lagging.wait(60)

    assert before == ([loan_id], [])
    assert (listed("USING"), listed("CLEAR")) == ([], [loan_id])


def test_a_loan_that_is_not_there_has_no_page(story: Any) -> None:
    with pytest.raises(Refused, match="loan_unknown"):
        story.page("loan_x")
