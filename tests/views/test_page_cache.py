"""Status pages that are kept in memory: each is the page of the database, for as long as it holds and no longer."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mocklend.runtime import Platform
from mocklend.storage.ground import DISK_FULL
from mocklend.views.page_cache import PageCache, StatusPages
from mocklend.views.page_versions import PageForNow
from mocklend.views.reads import page_text
from mocklend_faults.engine import FaultLayer
from mocklend_faults.engine.commands import PutRule
from mocklend_faults.engine.rules import Rule
from support.story import Clock, Story, repaid_and_settled

in_memory = pytest.mark.sqlite_only("pages are kept in memory where one process has the database for itself")


def test_a_page_is_kept_until_its_moment() -> None:
    cache = PageCache()
    cache.keep("sbx_a", "loan_1", PageForNow(b"until ten", 10), cache.generation)
    cache.keep("sbx_a", "loan_2", PageForNow(b"for good", None), cache.generation)

    kept = PageForNow(b"until ten", 10)
    assert [cache.get("sbx_a", "loan_1", real_ms) for real_ms in (9, 10)] == [kept, None]
    assert cache.get("sbx_a", "loan_2", 10**15) == PageForNow(b"for good", None)
    assert cache.get("sbx_b", "loan_2", 9) is None


@in_memory
def test_a_platform_may_keep_none(open_platform: Callable[..., Platform]) -> None:
    assert open_platform(alone=True, status_pages=0).pages is None


def test_a_page_that_was_read_before_a_drop_is_not_kept() -> None:
    cache = PageCache()
    generation = cache.generation

    cache.drop([], [("sbx_a", "loan_2")])
    cache.keep("sbx_a", "loan_1", PageForNow(b"old", None), generation)

    assert cache.get("sbx_a", "loan_1", 0) is None


def test_a_drop_takes_single_loans_or_whole_sandboxes() -> None:
    cache = PageCache()
    for sandbox_id in ("sbx_a", "sbx_b"):
        for loan_id in ("loan_1", "loan_2"):
            cache.keep(sandbox_id, loan_id, PageForNow(b"page", None), cache.generation)

    cache.drop(["sbx_a"], [("sbx_b", "loan_1"), ("sbx_c", "loan_1")])

    left = {(s, n) for s in ("sbx_a", "sbx_b") for n in ("loan_1", "loan_2") if cache.get(s, n, 0)}
    assert left == {("sbx_b", "loan_2")}


def test_the_number_of_pages_is_bounded() -> None:
    cache = PageCache(pages_max=3)
    for n in range(10):
        cache.keep(f"sbx_{n % 2}", f"loan_{n}", PageForNow(b"page", None), cache.generation)
        cache.keep(f"sbx_{n % 2}", f"loan_{n}", PageForNow(b"page", None), cache.generation)

        known = sum(cache.get(f"sbx_{s}", f"loan_{m}", 0) is not None for s in (0, 1) for m in range(10))
        assert 1 <= known <= 3


@pytest.fixture
def alone(open_platform: Callable[..., Platform], clock: Clock) -> Platform:
    """A platform with faults that no other process shares."""
    return open_platform(FaultLayer(), alone=True, real_ms=clock)


def read(platform: Platform, pages: StatusPages, story: Story, loan_id: str) -> tuple[str | None, str]:
    """The page as the hot path sends it, and as the database has it."""
    body = pages.body(story.sandbox_id, loan_id, platform.real_ms())
    with platform.snapshot(story.sandbox_id) as snapshot:
        return None if body is None else body.decode(), page_text(snapshot, loan_id)


@pytest.fixture
def pages(alone: Platform) -> StatusPages:
    return StatusPages(alone.engine, alone.pages)


@pytest.fixture
def loan(alone: Platform) -> tuple[Story, str]:
    """A loan in a sandbox with a manual clock."""
    story = Story(alone, alone.create_sandbox(seed=7, mode="manual", now_ms=1_767_578_400_000))
    return story, story.borrow()


@in_memory
def test_a_page_is_read_once_until_its_loan_is_written(
    alone: Platform, pages: StatusPages, loan: tuple[Story, str]
) -> None:
    story, loan_id = loan
    other = story.borrow(reference="other")
    assert alone.pages is not None
    first, _ = read(alone, pages, story, loan_id)
    read(alone, pages, story, other)

    kept = alone.pages.get(story.sandbox_id, loan_id, alone.real_ms())
    assert kept is not None
    assert kept.body.decode() == first

    story.edit(loan_id, 1_000)
    assert alone.pages.get(story.sandbox_id, loan_id, alone.real_ms()) is None
    assert alone.pages.get(story.sandbox_id, other, alone.real_ms()) is not None


@in_memory
def test_after_each_step_the_kept_page_is_the_one_of_the_database(
    alone: Platform, pages: StatusPages, loan: tuple[Story, str]
) -> None:
    story, loan_id = loan
    versions = []

    for _ in repaid_and_settled(story, loan_id):
        for _ in range(2):
            kept, plain = read(alone, pages, story, loan_id)
            assert kept == plain
        versions.append(plain)

    assert len(set(versions)) >= 3


@in_memory
def test_a_running_clock_shows_a_late_page_at_its_moment(alone: Platform, pages: StatusPages, clock: Clock) -> None:
    story = Story(alone, alone.create_sandbox(seed=7, mode="wall", speed=60))
    loan_id = story.borrow()
    rule = Rule.from_json("late", {"fault": "cache.bounded_stale", "with": {"lag_s": 3_600}}, FaultLayer().catalogue)
    alone.run(PutRule(story.sandbox_id, rule))
    story.order(loan_id, 5_000)
    seen = set()

    for _ in range(130):
        alone.tick()
        kept, plain = read(alone, pages, story, loan_id)
        assert kept == plain
        seen.add(kept)
        clock.ms += 500

    assert len(seen) == 2


@in_memory
def test_a_reset_sandbox_has_no_pages(alone: Platform, pages: StatusPages, loan: tuple[Story, str]) -> None:
    story, loan_id = loan
    assert pages.body(story.sandbox_id, loan_id, alone.real_ms())

    alone.reset_sandbox(story.sandbox_id)

    assert pages.body(story.sandbox_id, loan_id, alone.real_ms()) is None


@in_memory
def test_while_the_database_is_in_trouble_memory_does_not_answer(
    alone: Platform, pages: StatusPages, loan: tuple[Story, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    story, loan_id = loan
    assert pages.body(story.sandbox_id, loan_id, alone.real_ms())

    monkeypatch.setattr(type(alone.ground), "trouble", DISK_FULL)

    assert pages.body(story.sandbox_id, loan_id, alone.real_ms()) is None
