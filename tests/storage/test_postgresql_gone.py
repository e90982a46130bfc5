"""PostgreSQL is killed, restarted, full or misconfigured: requests are refused as unavailable, and it recovers."""

from __future__ import annotations

import os
from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import Connection, event
from sqlalchemy.engine import make_url

from mocklend.lending import AddBorrower
from mocklend.runtime import Platform
from mocklend.storage.engines import ground_of, open_engine, reading, writing
from mocklend.storage.ground import Unavailable
from mocklend.storage.work import Answer
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
def platform(database: Database) -> Iterator[Platform]:
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


def add(platform: Platform, story: Story, name: str) -> Answer:
    return platform.run(AddBorrower(story.sandbox_id, name, name.title(), 1))


def trouble(platform: Platform, story: Story, *, reads: bool = False) -> str:
    """The kind of outage that a write, or a read, meets."""
    with pytest.raises(Unavailable) as caught:
        if reads:
            platform.now_ms(story.sandbox_id)
        else:
            add(platform, story, "bob")
    return caught.value.trouble.kind


def later(platform: Platform) -> None:
    """It is time to try again."""
    now = platform.ground._now
    platform.ground._now = lambda: now() + 10


@pytest.mark.long
def test_a_server_that_was_killed_and_restarted_is_used_again(
    database: Database, platform: Platform, story: Story
) -> None:
    add(platform, story, "ada")
    for n in range(2):
        database.kill()
        assert trouble(platform, story, reads=True) in ("gone", "dropped")
        later(platform)
        assert trouble(platform, story) == "gone"
        assert trouble(platform, story) == "gone"

        database.start()
        later(platform)
        assert add(platform, story, f"b{n}").status == 201
        assert platform.ground.trouble is None
    assert len(story.everything()["borrowers"]) == 3
    assert story.discrepancies() == []


def test_broken_idle_connections_are_detected_before_use(
    platform: Platform, story: Story, raw: psycopg.Connection
) -> None:
    add(platform, story, "ada")
    ours = "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
    raw.execute(f"SELECT pg_terminate_backend(pid, 5000) FROM ({ours})")

    assert add(platform, story, "cyd").status == 201
    assert len(story.everything()["borrowers"]) == 2


def test_a_server_without_a_free_connection_makes_the_database_unavailable(
    platform: Platform, story: Story, database: Database
) -> None:
    url = make_url(database.url).set(drivername="postgresql").render_as_string(hide_password=False)
    platform.engine.dispose()
    answers = []
    try:
        while True:
            answers.append(psycopg.connect(url))
    except psycopg.OperationalError:
        pass

    assert trouble(platform, story) in ("none_free", "gone")
    assert trouble(platform, story, reads=True) in ("none_free", "gone")

    for answer in answers:
        answer.close()
    later(platform)
    assert add(platform, story, "ada").status == 201


@pytest.mark.parametrize(("setting", "kind"), [("default_transaction_read_only = on", "read_only")])
def test_an_error_of_the_server_is_an_outage_and_not_an_internal_error(
    platform: Platform, story: Story, raw: psycopg.Connection, setting: str, kind: str
) -> None:
    raw.execute(f"ALTER ROLE postgres SET {setting}")
    platform.engine.dispose()
    try:
        assert trouble(platform, story) == kind
    finally:
        raw.execute(f"ALTER ROLE postgres RESET {setting.partition(' ')[0]}")
    platform.engine.dispose()
    later(platform)
    assert add(platform, story, "ada").status == 201


@pytest.mark.long
def test_the_wait_for_a_locked_row_is_bounded(
    platform: Platform, story: Story, raw: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mocklend.storage.engines.LOCK_WAIT_MS", 10)
    platform.engine.dispose()
    with raw.transaction():
        raw.execute("SELECT * FROM sandboxes WHERE id = %s FOR UPDATE", (story.sandbox_id,))
        assert trouble(platform, story) == "row_locked"

    assert add(platform, story, "ada").status == 201


def test_the_outcome_of_an_uncertain_commit_is_found_by_its_key(platform: Platform, story: Story) -> None:
    """The connection ends after the commit and before its answer: the client is refused, and asks again."""
    loan_id = story.borrow()
    key = story.key()

    def cut(connection: Connection) -> None:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.commit()
        driver.close()

    event.listen(platform.engine, "commit", cut)
    with pytest.raises(Unavailable) as caught:
        platform.run(story.repayment(loan_id, 100, key=key))
    event.remove(platform.engine, "commit", cut)
    later(platform)
    again = platform.run(story.repayment(loan_id, 100, key=key))

    assert caught.value.trouble.kind in ("dropped", "gone")
    assert again.replayed
    assert story.discrepancies() == []


def test_a_statement_that_takes_too_long_is_given_up_and_nothing_is_written(
    platform: Platform, story: Story, database: Database
) -> None:
    impatient = open_engine(database.url, statement_wait_s=0.2)
    change = "UPDATE sandboxes SET seed = seed + 1"
    for transaction, sql in ((writing, change), (reading, "SELECT 1")):
        with pytest.raises(Unavailable, match="gave up on the statement"), transaction(impatient) as connection:
            connection.exec_driver_sql(sql)
            connection.exec_driver_sql("SELECT pg_sleep(60)")
        assert ground_of(impatient).trouble is None

    with reading(impatient) as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar_one() == 1
    impatient.dispose()
    with platform.read() as connection:
        assert platform.sandbox(connection, story.sandbox_id).seed == story.sandbox.seed


def test_a_transaction_that_waits_for_its_client_is_ended_by_the_server(
    platform: Platform, story: Story, database: Database, raw: psycopg.Connection
) -> None:
    impatient = open_engine(database.url, statement_wait_s=0.2)

    with pytest.raises(Unavailable), writing(impatient) as connection:
        pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        while raw.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [pid]).fetchone():
            pass
        connection.exec_driver_sql("SELECT 1")

    impatient.dispose()
    assert add(platform, story, "ada").status == 201
