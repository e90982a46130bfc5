"""Status pages that one statement reads for all that ask: each is the page of the database, or is left to Flask."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from mocklend.runtime import Platform
from mocklend.storage.ground import DISK_FULL
from mocklend.storage.statement_reader import Row, StatementReader
from mocklend.views import page_reader
from mocklend.views.page_reader import PageReader, ReadPage
from mocklend.views.reads import page_text
from mocklend_faults.engine import FaultLayer
from mocklend_faults.engine.commands import PutRule
from mocklend_faults.engine.rules import Rule
from support.story import MONDAY_MS, Clock, Story, repaid_and_settled

LONG_S = 30


@pytest.fixture
def platform(postgresql: str, clock: Clock) -> Iterator[Platform]:
    with closing(Platform(postgresql, FaultLayer(), real_ms=clock)) as platform:
        yield platform


@pytest.fixture
def reader(platform: Platform) -> PageReader:
    return PageReader(platform.engine, platform.real_ms, within_s=LONG_S)


@pytest.fixture
def story(platform: Platform) -> Story:
    return Story(platform, platform.create_sandbox(seed=7, mode="manual", now_ms=MONDAY_MS))


def read(reader: PageReader, sandbox_id: str, loan_id: str) -> ReadPage | None:
    received: queue.Queue[ReadPage | None] = queue.Queue()
    assert reader.ask(sandbox_id, loan_id, received.put)
    return received.get(timeout=LONG_S)


def text(found: ReadPage | None) -> str:
    assert found is not None
    assert found.page is not None
    return found.page.body.decode()


def plain(story: Story, loan_id: str) -> str:
    """The page as Flask reads it."""
    with story.platform.snapshot(story.sandbox_id) as snapshot:
        return page_text(snapshot, loan_id)


def test_after_each_step_the_page_is_the_one_of_the_database(reader: PageReader, story: Story) -> None:
    loan_id = story.borrow()
    pages = []

    for _ in repaid_and_settled(story, loan_id):
        pages.append(text(read(reader, story.sandbox_id, loan_id)))
        assert pages[-1] == plain(story, loan_id)

    assert len(set(pages)) >= 3


def test_a_running_clock_shows_a_late_page_at_its_moment(reader: PageReader, platform: Platform, clock: Clock) -> None:
    story = Story(platform, platform.create_sandbox(seed=7, mode="wall", speed=60))
    loan_id = story.borrow()
    rule = Rule.from_json("late", {"fault": "cache.bounded_stale", "with": {"lag_s": 3_600}}, FaultLayer().catalogue)
    platform.run(PutRule(story.sandbox_id, rule))
    story.order(loan_id, 5_000)
    seen = set()

    for _ in range(65):
        platform.tick()
        seen.add(text(read(reader, story.sandbox_id, loan_id)))
        assert plain(story, loan_id) in seen
        clock.ms += 1_000

    assert len(seen) == 2


def test_a_page_comes_with_its_sandbox_and_no_page_with_it_too(
    reader: PageReader, platform: Platform, story: Story
) -> None:
    loan_id = story.borrow()
    found = read(reader, story.sandbox_id, loan_id)
    assert found is not None
    assert (found.sandbox.id, found.sandbox.seed, found.sandbox.resets) == (story.sandbox_id, 7, 0)

    platform.reset_sandbox(story.sandbox_id)

    emptied = read(reader, story.sandbox_id, loan_id)
    assert emptied is not None
    assert (emptied.page, emptied.sandbox.resets) == (None, 1)
    assert emptied.sandbox.key_hash == found.sandbox.key_hash
    assert read(reader, "sbx_nobody", loan_id) is None


def test_those_who_wait_are_answered_by_one_statement(
    platform: Platform, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Story(platform, platform.create_sandbox(seed=8, mode="manual", now_ms=MONDAY_MS))
    asked = [(story.sandbox_id, story.borrow()), (other.sandbox_id, other.borrow()), (story.sandbox_id, "loan_none")]
    begun, go_on, statements = threading.Semaphore(0), threading.Event(), []
    rows = StatementReader.rows

    def slow(reader: StatementReader, *values: bytes) -> object:
        statements.append(values)
        begun.release()
        assert go_on.wait(LONG_S)
        return rows(reader, *values)

    monkeypatch.setattr(StatementReader, "rows", slow)
    reader = PageReader(platform.engine, platform.real_ms, within_s=LONG_S)
    received: queue.Queue[tuple[int, ReadPage | None]] = queue.Queue()
    reader.ask(*asked[0], lambda page: received.put((0, page)))
    assert begun.acquire(timeout=LONG_S)
    for n in range(1, 7):
        assert reader.ask(*asked[n % 3], lambda page, n=n: received.put((n, page)))  # type: ignore[misc]
    assert reader.taken == 7

    go_on.set()
    pages = dict(received.get(timeout=LONG_S) for _ in range(7))

    assert len(statements) == 2
    assert text(pages[0]) == text(pages[3]) == text(pages[6]) == plain(story, asked[0][1])
    assert text(pages[1]) == text(pages[4]) == plain(other, asked[1][1])
    assert [None if page is None else page.page for page in (pages[2], pages[5])] == [None, None]


def test_while_statements_fail_nothing_is_taken_and_one_attempt_at_a_time_ends_it(
    reader: PageReader, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    loan_id = story.borrow()
    attempts: queue.Queue[bytes] = queue.Queue()

    def fails(_: StatementReader, ids: bytes, __: bytes) -> list[Row] | None:
        attempts.put(ids)
        return None

    with monkeypatch.context() as broken:
        broken.setattr(StatementReader, "rows", fails)
        assert read(reader, story.sandbox_id, loan_id) is None
        assert attempts.get(timeout=LONG_S) == f'{{"{story.sandbox_id}"}}'.encode()
        assert [reader.ask(story.sandbox_id, loan_id, lambda _: None) for _ in range(3)] == [False] * 3
        broken.setattr(reader, "_retry_s", 0.0)
        assert [reader.ask(story.sandbox_id, loan_id, lambda _: None) for _ in range(3)] == [False] * 3
        assert attempts.get(timeout=LONG_S) == b'{""}'
        assert attempts.empty()
    while reader.taken:
        threading.Event().wait(0.001)

    reader._retry_s = 0.0
    assert not reader.ask(story.sandbox_id, loan_id, lambda _: None)
    while reader.taken:
        threading.Event().wait(0.001)

    assert text(read(reader, story.sandbox_id, loan_id)) == plain(story, loan_id)


def test_a_full_queue_a_database_in_trouble_and_a_closed_reader_take_nothing(
    reader: PageReader, platform: Platform, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    loan_id = story.borrow()

    with monkeypatch.context() as full:
        full.setattr(page_reader, "WAITING_MAX", 0)
        assert not reader.ask(story.sandbox_id, loan_id, lambda _: None)
    with monkeypatch.context() as trouble:
        trouble.setattr(type(platform.ground), "trouble", DISK_FULL)
        assert not reader.ask(story.sandbox_id, loan_id, lambda _: None)
    received: queue.Queue[ReadPage | None] = queue.Queue()
    assert reader.ask(story.sandbox_id, loan_id, received.put)

    reader.close()

    assert text(received.get(timeout=LONG_S)) == plain(story, loan_id)
    assert not reader.ask(story.sandbox_id, loan_id, lambda _: None)
    assert reader.taken == 0


def test_a_query_that_cannot_be_answered_does_not_stop_the_others(
    reader: PageReader, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    loan_id = story.borrow()

    def breaks(_: ReadPage | None) -> None:
        raise LookupError("a bug of ours")

    assert reader.ask(story.sandbox_id, loan_id, breaks)

    assert text(read(reader, story.sandbox_id, loan_id)) == plain(story, loan_id)
    assert "a status query could not be answered" in capsys.readouterr().err
