"""The epoch of cached pages: it changes where a page that a commit has changed may still be in the cache."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection

from mocklend.domain.problems import Refused
from mocklend.runtime import NewSandbox, Platform
from mocklend.sandboxes import lifecycle
from mocklend.sandboxes.page_epochs import CachePages, PageFence, PageKey, keeps_page
from mocklend.seams.view_refresh import NEVER_MS, Showing
from mocklend.storage.engines import reading, writing
from mocklend.storage.entities import Loan
from mocklend.storage.values import ViewVersion
from support.story import Story

pytestmark = pytest.mark.without_redis("the cache and the epochs are those of the tests")
EPOCH = 1_000


class Store:
    """A shared cache that confirms what a test lets it confirm."""

    def __init__(self, *, blocks: bool = True, drops: bool = True) -> None:
        self.blocks, self.drops = blocks, drops
        self.asked: list[tuple[str, list[PageKey]]] = []

    def block(self, pages: Collection[PageKey]) -> bool:
        self.asked.append(("block", [*pages]))
        return self.blocks

    def drop(self, pages: Collection[PageKey]) -> bool:
        self.asked.append(("drop", [*pages]))
        return self.drops


@pytest.fixture
def cached(platform: Platform, sandbox: NewSandbox) -> NewSandbox:
    """A sandbox whose pages are cached."""
    platform.run(CachePages(sandbox.id, EPOCH))
    return sandbox


def epoch(platform: Platform, sandbox_id: str) -> int:
    """The epoch of a sandbox's pages."""
    with reading(platform.engine) as connection:
        return lifecycle.required(connection, sandbox_id).page_epoch


def borrowed(story: Story) -> PageKey:
    """The page of a new loan."""
    return PageKey(story.sandbox_id, EPOCH, story.borrow())


def test_the_first_epoch_is_set_once(platform: Platform, sandbox: NewSandbox) -> None:
    assert epoch(platform, sandbox.id) == 0
    platform.run(CachePages(sandbox.id, EPOCH))
    platform.run(CachePages(sandbox.id, EPOCH + 1))

    assert epoch(platform, sandbox.id) == EPOCH


def test_a_commit_blocks_and_drops_the_pages_that_it_changes(
    platform: Platform, cached: NewSandbox, story: Story
) -> None:
    store = platform.writer.fence.store = Store()

    page = borrowed(story)

    assert store.asked == [("block", [page]), ("drop", [page])]
    assert epoch(platform, cached.id) == EPOCH


def test_without_a_cache_a_commit_sets_the_next_epoch(platform: Platform, cached: NewSandbox, story: Story) -> None:
    borrowed(story)

    assert epoch(platform, cached.id) == EPOCH + 1


@pytest.mark.parametrize("store", [Store(blocks=False), Store(drops=False)], ids=["block", "drop"])
def test_a_commit_that_the_cache_does_not_confirm_sets_the_next_epoch(
    platform: Platform, cached: NewSandbox, story: Story, store: Store
) -> None:
    platform.writer.fence.store = store

    borrowed(story)

    assert epoch(platform, cached.id) == EPOCH + 1


def test_a_sandbox_whose_pages_are_not_cached_has_no_epoch(
    platform: Platform, sandbox: NewSandbox, story: Story
) -> None:
    store = platform.writer.fence.store = Store(blocks=False)

    story.borrow()

    assert (store.asked, epoch(platform, sandbox.id)) == ([], 0)


def test_what_changes_no_page_sets_no_epoch(platform: Platform, cached: NewSandbox) -> None:
    store = platform.writer.fence.store = Store()

    platform.advance(cached.id, by_ms=60_000)

    assert (store.asked, epoch(platform, cached.id)) == ([], EPOCH)


def test_a_reset_sets_the_next_epoch(platform: Platform, cached: NewSandbox) -> None:
    platform.reset_sandbox(cached.id)

    assert epoch(platform, cached.id) == EPOCH + 1


@pytest.fixture
def fence(platform: Platform) -> PageFence:
    """A fence of its own, whose next epochs are committed."""

    @contextmanager
    def transaction() -> Iterator[Connection]:
        with writing(platform.engine) as connection:
            yield connection

    return PageFence(transaction)


def test_a_commit_that_failed_after_its_block_is_followed_by_the_next_epoch(
    platform: Platform, cached: NewSandbox, fence: PageFence
) -> None:
    """It may have taken place all the same: then its answer was lost, and not its effects."""
    fence.store = Store()
    with writing(platform.engine) as connection:
        fence.before_commit(connection, [PageKey(cached.id, EPOCH, "loan_1")])

    fence.after_commit([])  # That of another group.
    fence.after_commit([])

    assert epoch(platform, cached.id) == EPOCH + 1


def test_a_next_epoch_that_the_database_refused_is_set_after_another_commit(
    platform: Platform, cached: NewSandbox
) -> None:
    refusals = [Refused("busy", "not now")]

    @contextmanager
    def transaction() -> Iterator[Connection]:
        if refusals:
            raise refusals.pop()
        with writing(platform.engine) as connection:
            yield connection

    fence, pages = PageFence(transaction), [PageKey(cached.id, EPOCH, "loan_1")]
    fence.store = Store(drops=False)
    with writing(platform.engine) as connection:
        fence.before_commit(connection, pages)
    fence.after_commit(pages)
    assert epoch(platform, cached.id) == EPOCH

    fence.after_commit([])

    assert epoch(platform, cached.id) == EPOCH + 1


def version(n: int, showing: Showing | None = None) -> ViewVersion:
    """A version of a page, shown at once unless it waits."""
    return ViewVersion(n, n, "USING", 1_000, 0, 0, showing)


LOST, LATE = Showing.at(NEVER_MS), Showing.at(60_000)


@pytest.mark.parametrize(
    ("before", "after", "keeps"),
    [
        ([version(1)], [version(1), version(2, LOST)], True),
        ([version(1), version(2, LOST)], [version(1), version(3, LOST)], True),
        ([version(1), version(2, LATE)], [version(1), version(2, LATE), version(3, LOST)], True),
        ([version(1)], [version(1), version(2, LATE)], False),
        ([version(1)], [version(1), version(2, LATE), version(3, LOST)], False),
        ([version(1)], [version(2)], False),
        ([version(1)], [version(2), version(3, LOST)], False),
        ([version(1)], [version(1)], False),
    ],
)
def test_a_page_stays_where_only_lost_versions_came(
    platform: Platform, story: Story, before: list[ViewVersion], after: list[ViewVersion], keeps: bool
) -> None:
    loan_id = story.borrow()
    with platform.snapshot(story.sandbox_id) as snapshot:
        loan = snapshot.get(Loan, loan_id)

    assert keeps_page(replace(loan, view_versions=(*before,)), replace(loan, view_versions=(*after,))) is keeps
    assert not keeps_page(None, replace(loan, view_versions=(*after,)))
