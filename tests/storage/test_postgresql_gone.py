"""PostgreSQL killed, started again, full, or in no mood: refused as what it is, and gone on with when it is back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import event
from sqlalchemy.engine import make_url

from mocklend.lending import AddBorrower
from mocklend.runtime import Platform
from mocklend.storage.ground import Unavailable
from support.postgresql import Database
from support.story import Story


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    """A server that a test may kill."""
    from support.postgresql import NotHere, own

    try:
        with own(max_connections="8") as server:
            yield server
    except NotHere as reason:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(reason))


@pytest.fixture
def lender(database: Database) -> Iterator[Platform]:
    """An honest platform on it: `story` is told there."""
    database.start()
    opened = Platform(database.url)
    yield opened
    opened.close()


@pytest.fixture
def raw(database: Database) -> Iterator[psycopg.Connection]:
    """Whoever runs the server."""
    url = make_url(database.url).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
        yield connection


def add(lender: Platform, story: Story, name: str) -> Any:
    return lender.run(AddBorrower(story.sandbox_id, name, name.title(), 1))


def trouble(lender: Platform, story: Story, *, reads: bool = False) -> str:
    """What a write, or a read, is refused with."""
    with pytest.raises(Unavailable) as caught:
        if reads:
            lender.now_ms(story.sandbox_id)
        else:
            add(lender, story, "bob")
    return caught.value.trouble.kind


def later(lender: Platform) -> None:
    """It is time to try again."""
    now = lender.ground._now
    lender.ground._now = lambda: now() + 10


def test_a_server_that_is_killed_and_started_again_is_gone_on_with(
    database: Database, lender: Platform, story: Story
) -> None:
    add(lender, story, "ada")
    for n in range(2):
        database.kill()
        assert trouble(lender, story, reads=True) in ("gone", "dropped")
        later(lender)
        assert trouble(lender, story) == "gone"
        assert trouble(lender, story) == "gone"

        database.start()
        later(lender)
        assert add(lender, story, f"b{n}").status == 201
        assert lender.ground.trouble is None
    assert len(story.everything()["borrowers"]) == 3
    assert story.discrepancies() == []


def test_connections_that_ended_while_nobody_looked_are_noticed_before_they_are_used(
    lender: Platform, story: Story, raw: psycopg.Connection
) -> None:
    add(lender, story, "ada")
    ours = "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
    raw.execute(f"SELECT pg_terminate_backend(pid, 5000) FROM ({ours})")

    assert add(lender, story, "cyd").status == 201
    assert len(story.everything()["borrowers"]) == 2


def test_a_server_without_a_connection_free_says_so(lender: Platform, story: Story, database: Database) -> None:
    url = make_url(database.url).set(drivername="postgresql").render_as_string(hide_password=False)
    lender.engine.dispose()
    taken = []
    try:
        while True:
            taken.append(psycopg.connect(url))
    except psycopg.OperationalError:
        pass

    assert trouble(lender, story) in ("none_free", "gone")
    assert trouble(lender, story, reads=True) in ("none_free", "gone")

    for one in taken:
        one.close()
    later(lender)
    assert add(lender, story, "ada").status == 201


@pytest.mark.parametrize(
    ("setting", "kind"),
    [("default_transaction_read_only = on", "read_only"), ("statement_timeout = 1", None)],
)
def test_a_server_that_does_not_do_as_told_is_no_bug_of_ours(
    lender: Platform, story: Story, raw: psycopg.Connection, setting: str, kind: str | None
) -> None:
    raw.execute(f"ALTER ROLE postgres SET {setting}")
    lender.engine.dispose()
    try:
        if kind is not None:
            assert trouble(lender, story) == kind
        else:
            with pytest.raises(Unavailable, match="gave up"), lender.read() as connection:
                connection.exec_driver_sql("SELECT pg_sleep(1)")
    finally:
        raw.execute(f"ALTER ROLE postgres RESET {setting.partition(' ')[0]}")
    lender.engine.dispose()
    later(lender)
    assert add(lender, story, "ada").status == 201


def test_a_row_that_somebody_else_holds_is_waited_for_with_a_bound(
    lender: Platform, story: Story, raw: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mocklend.storage.engines.LOCK_WAIT_MS", 10)
    lender.engine.dispose()
    with raw.transaction():
        raw.execute("SELECT * FROM sandboxes WHERE id = %s FOR UPDATE", (story.sandbox_id,))
        assert trouble(lender, story) == "row_locked"

    assert add(lender, story, "ada").status == 201


def test_a_commit_that_nobody_knows_the_outcome_of_is_asked_about_with_its_key(lender: Platform, story: Story) -> None:
    """The connection ends after the commit and before its answer: the client is refused, and asks again."""
    loan_id = story.borrow()
    key = story.key()

    def cut(connection: Any) -> None:
        driver = connection.connection.driver_connection
        driver.commit()
        driver.close()

    event.listen(lender.engine, "commit", cut)
    with pytest.raises(Unavailable) as caught:
        lender.run(story.repayment(loan_id, 100, key=key))
    event.remove(lender.engine, "commit", cut)
    later(lender)
    again = lender.run(story.repayment(loan_id, 100, key=key))

    assert caught.value.trouble.kind in ("dropped", "gone")
    assert again.replayed
    assert story.discrepancies() == []
