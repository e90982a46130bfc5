"""Status pages in Redis: a page is there as it was read, and nothing that was read before a drop is there after it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mocklend.domain.problems import Refused
from mocklend.sandboxes.page_epochs import CachePages, PageKey
from mocklend.storage.redis_link import RedisLink
from mocklend.storage.work import Answer, Command
from mocklend.views import shared_pages
from mocklend.views.page_versions import PageSpan
from mocklend.views.shared_pages import BLOCK, CHANNEL, PREFIX, CachedPage, Look, SharedPages
from support.redis_server import Fake, Real, fake

KEY, OTHER = PageKey("sbx_a", 1, "loan_1"), PageKey("sbx_a", 1, "loan_2")
FROM_MS, UNTIL_MS = 100, 200
WAIT_S = 20.0


def shown(version: int, *, stale: bool = False) -> CachedPage:
    """A page of a version, shown from 100 until 200."""
    return CachedPage.of(PageSpan(f'{{"version":{version}}}', version, FROM_MS, UNTIL_MS, stale))


def stored(server: Fake | Real, loan_id: str = "loan_1") -> bytes | None:
    """What Redis has in place of a loan's page."""
    with server.client() as client:
        values = [client.get(key) for key in client.keys(f"{PREFIX}:*:{loan_id}")]
    return values[0] if values else None


@pytest.fixture
def pages(redis_server: Fake | Real) -> Iterator[SharedPages]:
    """The pages of one process."""
    opened = SharedPages(RedisLink(redis_server.url, wait_s=WAIT_S))
    yield opened
    opened.close()


@pytest.fixture
def others(redis_server: Fake | Real) -> Iterator[SharedPages]:
    """Those of another process."""
    opened = SharedPages(RedisLink(redis_server.url, wait_s=WAIT_S))
    yield opened
    opened.close()


def look(pages: SharedPages, key: PageKey = KEY, now_ms: int = 150) -> Look:
    """A look at a cache that is not down."""
    found = pages.get(key, now_ms)
    assert found is not None
    return found


def fill(pages: SharedPages, page: CachedPage, key: PageKey = KEY) -> bool:
    """Look, read, and keep."""
    lease = look(pages, key).lease
    return lease is not None and pages.keep(key, lease, page)


def test_a_page_is_there_as_it_was_read_for_all_processes(pages: SharedPages, others: SharedPages) -> None:
    assert fill(pages, shown(1))

    assert look(others) == Look(b'{"version":1}', None)
    assert look(others, OTHER).body is None


def test_a_look_says_whether_there_was_a_newer_version_when_the_page_was_kept(
    pages: SharedPages, others: SharedPages
) -> None:
    fill(pages, shown(1, stale=True))

    assert look(others) == Look(b'{"version":1}', None, stale=True)


def test_one_reader_at_a_time_may_fill(pages: SharedPages, others: SharedPages) -> None:
    first, second = look(pages), look(others)

    assert second == Look(None, None)
    assert first.lease is not None
    assert pages.keep(KEY, first.lease, shown(1))
    assert not others.keep(KEY, first.lease, shown(2))


def test_a_page_is_shown_from_its_moment_until_its_moment(pages: SharedPages) -> None:
    fill(pages, shown(1))

    assert [look(pages, now_ms=now_ms).body is not None for now_ms in (FROM_MS, UNTIL_MS - 1)] == [True, True]
    late = look(pages, now_ms=UNTIL_MS)
    assert late.body is None
    assert late.lease is not None
    assert pages.keep(KEY, late.lease, shown(2))
    assert look(pages).body == b'{"version":2}'


def test_a_page_that_is_not_shown_yet_is_read_from_the_database(pages: SharedPages) -> None:
    fill(pages, shown(1))

    assert look(pages, now_ms=FROM_MS - 1).body is None


def test_pages_are_looked_for_together(pages: SharedPages) -> None:
    fill(pages, shown(1))

    found = pages.get_many([(KEY, 150), (OTHER, 150)])

    assert found is not None
    assert [each.body for each in found] == [b'{"version":1}', None]
    assert [each.lease is None for each in found] == [True, False]
    assert pages.get_many([]) == []


def test_another_epoch_has_other_pages(pages: SharedPages) -> None:
    fill(pages, shown(1))

    assert look(pages, KEY._replace(epoch=2)).body is None


def test_a_blocked_page_is_not_filled_until_it_is_dropped(
    pages: SharedPages, others: SharedPages, redis_server: Fake | Real
) -> None:
    fill(pages, shown(1))

    assert others.block([KEY, OTHER])
    assert (stored(redis_server) or b"").startswith(BLOCK.encode())
    assert look(pages) == Look(None, None)
    assert others.drop([KEY, OTHER])

    assert fill(pages, shown(2))


def test_a_drop_leaves_the_block_of_another_process(pages: SharedPages, others: SharedPages) -> None:
    pages.block([KEY])
    others.block([KEY])
    pages.drop([KEY])

    assert look(pages) == Look(None, None)
    others.drop([KEY])
    assert look(pages).lease is not None


def test_what_was_read_before_a_drop_is_not_kept_after_it(pages: SharedPages, others: SharedPages) -> None:
    """The reader has read the old page. Redis loses the block, the commit ends, and then the reader fills."""
    before = look(pages)
    assert before.lease is not None
    others.drop([KEY])

    assert not pages.keep(KEY, before.lease, shown(1))
    assert look(others).body is None


def test_a_drop_is_published(pages: SharedPages, redis_server: Fake | Real) -> None:
    with redis_server.client() as client, client.pubsub(ignore_subscribe_messages=True) as watching:
        watching.subscribe(CHANNEL)
        watching.get_message(timeout=WAIT_S)

        pages.drop([KEY])

        message = None
        while message is None:
            message = watching.get_message(timeout=WAIT_S)
    assert message["data"] == b"sbx_a loan_1"


@pytest.mark.parametrize("rubbish", [b"", b"{}", b"\xff", b"[1]", b'{"version":"1"}', b"9" * 5000, b"null"])
def test_what_somebody_else_has_put_there_is_no_page(
    pages: SharedPages, redis_server: Fake | Real, rubbish: bytes
) -> None:
    fill(pages, shown(1))
    with redis_server.client() as client:
        (name,) = client.keys("*")
        client.set(name, rubbish)

    assert look(pages) == Look(None, None)


def test_a_value_of_another_type_is_a_cache_that_is_down(pages: SharedPages, redis_server: Fake | Real) -> None:
    fill(pages, shown(1))
    with redis_server.client() as client:
        (name,) = client.keys("*")
        client.delete(name)
        client.rpush(name, "x")

    assert pages.get(KEY, 150) is None
    assert pages.is_down


def test_everything_expires(pages: SharedPages, redis_server: Fake | Real) -> None:
    def left_ms() -> int:
        with redis_server.client() as client:
            (name,) = client.keys("*")
            left: int = client.pttl(name)
            return left

    lease = look(pages).lease
    assert 0 < left_ms() <= shared_pages.LEASE_MS
    assert lease is not None
    pages.keep(KEY, lease, shown(1))
    assert shared_pages.LEASE_MS < left_ms() <= shared_pages.PAGE_MS
    pages.block([KEY])
    assert 0 < left_ms() <= shared_pages.BLOCK_MS


def test_a_first_epoch_is_asked_for_once_at_a_time() -> None:
    pages, asked, futures = SharedPages(RedisLink("redis://127.0.0.1:1", wait_s=WAIT_S)), [], []

    def submit(command: Command) -> Future[Answer]:
        asked.append(command)
        futures.append(Future[Answer]())
        return futures[-1]

    def refuse(command: Command) -> Future[Answer]:
        raise Refused("busy", "the queue is full")

    pages.begin("sbx_a", 5, refuse)
    pages.begin("sbx_a", 6, submit)
    pages.begin("sbx_a", 7, submit)
    futures[0].set_result(Answer(200, {}))
    pages.begin("sbx_a", 8, submit)

    assert asked == [CachePages("sbx_a", 6), CachePages("sbx_a", 8)]


# --- any order of steps: a look that begins after an answer never finds what was there before its commit ---


@dataclass
class Told:
    """A database, two processes, and what was answered: each step of a reader or a writer is one of theirs."""

    pages: list[SharedPages]
    version: int = 1
    answered: int = 1
    reading: dict[int, tuple[bytes, int]] = field(default_factory=dict)
    writing: list[bool] = field(default_factory=list)

    def begin(self, who: int) -> None:
        """A reader looks, and then reads the database if it has the lease."""
        found = self.pages[who].get(KEY, 150)
        assert found is not None
        if found.body is not None:
            assert int(found.body[11:-1]) >= self.answered, "an old page after an answer"
        elif found.lease is not None:
            self.reading[who] = found.lease, self.version

    def end(self, who: int) -> None:
        """It keeps what it has read."""
        if who in self.reading:
            lease, version = self.reading.pop(who)
            self.pages[who].keep(KEY, lease, shown(version))

    def block(self, who: int) -> None:
        """A writer is about to commit."""
        self.pages[who].block([KEY])
        self.writing.append(False)

    def commit(self, _who: int) -> None:
        """It commits."""
        if self.writing and not self.writing[-1]:
            self.writing[-1] = True
            self.version += 1

    def drop(self, who: int) -> None:
        """It drops the page, and answers."""
        if self.writing and self.writing.pop():
            self.pages[who].drop([KEY])
            self.answered = self.version

    def lose(self, who: int) -> None:
        """Redis loses everything, also leases and blocks."""
        self.pages[who]._link.ask(lambda _: [("FLUSHALL",)])


STEPS = ("begin", "end", "begin", "end", "block", "commit", "drop", "lose")
steps = st.lists(st.tuples(st.sampled_from(STEPS), st.sampled_from([0, 1])), max_size=40)


@pytest.fixture(scope="module")
def both() -> Iterator[list[SharedPages]]:
    """The pages of two processes, on one fakeredis."""
    with fake() as server:
        opened = [SharedPages(RedisLink(server.url, wait_s=WAIT_S)) for _ in range(2)]
        yield opened
        for pages in opened:
            pages.close()


def tell(both: list[SharedPages], told: list[tuple[str, int]]) -> None:
    """Take the steps in an empty cache."""
    story = Told(both)
    story.lose(0)
    for step, who in told:
        getattr(story, step)(who)


@given(steps)
@settings(max_examples=60)
def test_no_order_of_steps_shows_an_old_page_after_an_answer(
    both: list[SharedPages], told: list[tuple[str, int]]
) -> None:
    tell(both, told)


SLOW_FILL = [("begin", 0), ("block", 1), ("commit", 1), ("drop", 1), ("end", 0), ("begin", 1)]
LOST_BLOCK = [("block", 1), ("lose", 1), ("begin", 0), ("end", 0), ("commit", 1), ("drop", 1), ("begin", 0)]


def test_a_fill_without_a_lease_is_found(both: list[SharedPages], monkeypatch: pytest.MonkeyPatch) -> None:
    tell(both, SLOW_FILL)
    monkeypatch.setattr(shared_pages, "SWAP", "redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) return 1")

    with pytest.raises(AssertionError, match="an old page"):
        tell(both, SLOW_FILL)


def test_a_drop_that_drops_nothing_is_found(both: list[SharedPages], monkeypatch: pytest.MonkeyPatch) -> None:
    tell(both, LOST_BLOCK)
    monkeypatch.setattr(SharedPages, "drop", lambda self, pages: True)

    with pytest.raises(AssertionError, match="an old page"):
        tell(both, LOST_BLOCK)
