"""PostgreSQL behind PgBouncer in transaction mode: every transaction may have another session, so none is relied on."""

from __future__ import annotations

import os
import queue
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mocklend.runtime import Platform
from mocklend.storage.engines import LOCK_WAIT_MS, POOLED, STATEMENT_WAIT_S, reading, writing
from mocklend.storage.entities import Loan
from mocklend.views.page_reader import PageReader, ReadPage
from support.story import Story

LONG_S = 30


@pytest.fixture(scope="module")
def pooler(postgresql: str) -> Iterator[str]:
    """The URL of the pooler. Without one the tests are skipped, but never in CI."""
    from support.pgbouncer import before
    from support.postgresql import NotHere

    try:
        with before(postgresql) as url:
            yield url
    except NotHere as reason:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(reason))


@pytest.fixture
def platform(pooler: str) -> Iterator[Platform]:
    """An honest platform behind the pooler: `story` is told there."""
    opened = Platform(pooler)
    yield opened
    opened.close()


def test_a_story_runs_through_a_connection_pooler(story: Story, platform: Platform) -> None:
    """Each statement runs more often than it takes psycopg to prepare it, in whichever session is free."""
    loan_id = story.borrow(1_000_000)
    with ThreadPoolExecutor(8) as clients:
        list(clients.map(lambda n: platform.run(story.repayment(loan_id, 100 + n)), range(60)))
        loan_ids = list(clients.map(lambda _: story.entity(Loan, loan_id).id, range(60)))
    story.wait(60)

    assert set(loan_ids) == {loan_id}
    assert story.page(loan_id)["paid_minor"] == sum(100 + n for n in range(60))
    assert story.discrepancies() == []
    assert story.broken() == set()


def test_a_pooler_is_detected_and_a_plain_server_is_not_taken_for_one(platform: Platform, postgresql: str) -> None:
    direct = Platform(postgresql)
    counts = {}
    for name, item in (("pooler", platform), ("direct", direct)):
        with item.engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            counts[name] = (connection.info[POOLED], driver.prepare_threshold is None)
    direct.close()

    assert counts == {"pooler": (True, True), "direct": (False, False)}


def test_waits_are_bounded_with_and_without_a_pooler(platform: Platform, postgresql: str) -> None:
    limits = "SELECT name, setting FROM pg_settings WHERE name LIKE '%%timeout'"
    direct = Platform(postgresql)
    for item in (platform, direct):
        for transaction in (writing, reading):
            with transaction(item.engine) as connection:
                settings = dict(map(tuple, connection.exec_driver_sql(limits)))
            assert settings["lock_timeout"] == str(LOCK_WAIT_MS)
            assert settings["statement_timeout"] == str(STATEMENT_WAIT_S * 1000)
            assert settings["idle_in_transaction_session_timeout"] == str(STATEMENT_WAIT_S * 1000)
    direct.close()


def test_status_pages_are_read_through_a_connection_pooler(story: Story, platform: Platform) -> None:
    loan_id = story.borrow()
    reader = PageReader(platform.engine, platform.real_ms, within_s=LONG_S)
    received: queue.Queue[ReadPage | None] = queue.Queue()

    for _ in range(20):
        assert reader.ask(story.sandbox_id, loan_id, received.put)
    pages = [received.get(timeout=LONG_S) for _ in range(20)]

    assert [page.page is not None for page in pages if page is not None] == [True] * 20
    assert not reader._statement._prepares
