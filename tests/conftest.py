"""Shared by all tests: Hypothesis profiles, and a platform with a sandbox in it.

Nothing here reads the wall clock: a sandbox's clock is manual and starts at 10:00 on a Monday in Shanghai. A failed
test says which seed its sandbox had; `--mocklend-seed N` replays it with that one or another.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import uuid
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine, event

from mocklend.runtime import NewSandbox, Platform
from mocklend.storage.snapshot import PlatformLayer
from support.databases import ENGINES, POSTGRESQL, Databases, Server
from support.scoping import unscoped
from support.sql import Unguarded, without_guards
from support.story import MONDAY_MS, SEED, Clock, Story

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from support.redis_server import Fake, Real

TESTS = Path(__file__).resolve().parent

# The fixtures that Hypothesis would warn about are a platform that all examples may share: each takes its own sandbox.
_EVERYWHERE: dict[str, Any] = {
    "deadline": None,
    "print_blob": True,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}
settings.register_profile("local", **_EVERYWHERE)
settings.register_profile("ci", derandomize=True, **_EVERYWHERE)
settings.load_profile("ci" if os.environ.get("CI") else "local")

# Plain lines: a traceback drawn with all its locals takes longer than the test that provokes it.
structlog.configure(processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()])

_SEED = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--stateful-cases`: how many requests the stories of tests/api/test_stateful.py are made of."""
    parser.addoption("--stateful-cases", type=int, default=5_000, metavar="N", help="requests of made-up stories")
    parser.addoption("--engine", choices=ENGINES, default=ENGINES[0], help="what the platforms of the tests run on")
    parser.addoption(
        "--redis", action="store_true", help="let them share status pages in a redis-server, on PostgreSQL"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Redis is refused on SQLite, as a server refuses it."""
    if config.getoption("--redis") and config.getoption("--engine") != POSTGRESQL:
        raise pytest.UsageError(f"--redis needs --engine {POSTGRESQL}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests that are about SQLite itself are skipped on another engine, and those that Redis has no part in with it."""
    skipped = {"sqlite_only": config.getoption("--engine") == POSTGRESQL, "without_redis": config.getoption("--redis")}
    for item in items:
        for name in (name for name, on in skipped.items() if on):
            mark = item.get_closest_marker(name)
            if mark is not None:
                item.add_marker(pytest.mark.skip(reason=f"{name}: {mark.args[0]}"))


_ASKED_FROM = tuple(str(TESTS.parent / root) + os.sep for root in ("platform", "faults", "tests", "loadtests"))
_RUN_BY = tuple(
    str(TESTS.parent / "platform" / "mocklend" / "storage" / name)
    for name in ("driver.py", "statements.py", "stores.py")
)
_loose_by_text: dict[str, str] = {}
_loose_ran: list[str] = []
"""The SQL texts that the platform ran in this test on the rows of more than one sandbox."""


@event.listens_for(Engine, "before_cursor_execute")
def look_at_each_text(_connection: object, _cursor: object, sql: str, *_rest: object) -> None:
    """Every SQL text that runs in any test is looked at once: does it say whose rows it means?"""
    loose = _loose_by_text.get(sql)
    if loose is None:
        try:
            loose = "; ".join(unscoped(sql))
        except sqlite3.Error as error:
            loose = f"not understood: {error}"
        _loose_by_text[sql] = loose
    if loose and _asked_by_the_platform():
        _loose_ran.append(f"{sql}: {loose}")


def _asked_by_the_platform() -> bool:
    """Whether the statement that runs is the platform's or a fault's own: a test may look wherever it likes."""
    frame = sys._getframe(2)
    while frame.f_back is not None:
        frame = frame.f_back
        name = frame.f_code.co_filename
        if name.startswith(_ASKED_FROM) and name not in _RUN_BY:
            return name.startswith(_ASKED_FROM[:2])
    return False


@pytest.fixture(autouse=True)
def walls_between_sandboxes() -> Iterator[list[str]]:
    """No statement that the platform runs in a test reads or changes rows of more than one sandbox."""
    _loose_ran.clear()
    yield _loose_ran
    assert _loose_ran == []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say under a failure which seed replays it."""
    report = yield
    seed = item.stash.get(_SEED, None)
    if report.failed and seed is not None:
        report.sections.append(("sandbox", f'seed {seed}; replay: pytest "{item.nodeid}" --mocklend-seed {seed}'))
    return report


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """The sandbox's seed."""
    option = request.config.getoption("--mocklend-seed", default=None)
    chosen: int = SEED if option is None else option
    request.node.stash[_SEED] = chosen
    return chosen


@pytest.fixture(scope="session")
def redis_of_all(request: pytest.FixtureRequest) -> Iterator[Real | None]:
    """With `--redis`: the `redis-server` in which platforms share their status pages. Else None."""
    if not request.config.getoption("--redis"):
        yield None
        return
    from support.redis_server import real
    from support.with_redis import sharing_pages

    with real() as server, sharing_pages(server):
        yield server


@pytest.fixture(autouse=True)
def empty_redis(redis_of_all: Real | None) -> None:
    """A test begins without pages of others: their sandboxes have the same ids, and their clocks the same times."""
    if redis_of_all is not None:
        redis_of_all.client().flushall()


@pytest.fixture(scope="session")
def database_server(request: pytest.FixtureRequest) -> Iterator[Server | None]:
    """The server of the databases with `--engine postgresql`; None with SQLite."""
    if request.config.getoption("--engine") != POSTGRESQL:
        yield None
        return
    server = Server(request.getfixturevalue("postgresql"))
    yield server
    server.close()


@pytest.fixture(scope="session")
def mocklend_database(database_server: Server | None) -> str | None:
    """The database of the plug-in's server: with `--engine postgresql`, one of that server's."""
    return None if database_server is None else database_server.take()


@pytest.fixture
def databases(tmp_path: Path, database_server: Server | None) -> Iterator[Databases]:
    """Databases of the test, by name: the path of a file in `tmp_path`, or a URL."""
    made = Databases(tmp_path, database_server)
    yield made
    made.close()


@pytest.fixture(scope="module")
def module_databases(tmp_path_factory: pytest.TempPathFactory, database_server: Server | None) -> Iterator[Databases]:
    """Databases that the tests of a module share."""
    made = Databases(tmp_path_factory.mktemp("databases"), database_server)
    yield made
    made.close()


@pytest.fixture(scope="module")
def chromium_browser() -> Iterator[Browser]:
    """Chromium. Without one its tests are skipped, but never in CI."""
    from support.served_console import chromium, require_chromium

    require_chromium()
    with chromium() as opened:
        yield opened


@pytest.fixture
def open_platform(databases: Databases) -> Iterator[Callable[..., Platform]]:
    """Open the platform on this test's one database, as often as the test restarts it."""
    opened: list[Platform] = []

    def open_one(layer: PlatformLayer | None = None, **more: Any) -> Platform:
        # Nothing here can lose power, so nothing waits for the disk.
        opened.append(Platform(databases(), layer, fast=True, **more))
        return opened[-1]

    yield open_one
    for platform in opened:
        platform.close()


@pytest.fixture
def platform(open_platform: Callable[..., Platform]) -> Platform:
    """An honest platform."""
    return open_platform()


@pytest.fixture
def clock() -> Clock:
    """The real time of a platform: `open_platform(real_ms=clock)`."""
    return Clock()


@pytest.fixture
def wall(open_platform: Callable[..., Platform], clock: Clock, seed: int) -> Story:
    """Ada's story, on a clock that runs by itself."""
    platform = open_platform(real_ms=clock)
    return Story(platform, platform.create_sandbox(seed=seed, mode="wall"))


@pytest.fixture
def sandbox(platform: Platform, seed: int) -> NewSandbox:
    """A sandbox with a manual clock."""
    return platform.create_sandbox(seed=seed, mode="manual", now_ms=MONDAY_MS)


@pytest.fixture
def story(platform: Platform, sandbox: NewSandbox) -> Story:
    """Ada's story, told in the sandbox."""
    return Story(platform, sandbox)


@pytest.fixture
def raw(story: Story) -> Iterator[Unguarded]:
    """A bare connection to the story's database, without the triggers: what it changes, no commit says."""
    with without_guards(story.platform.engine) as run:
        yield run


@pytest.fixture
def tell(platform: Platform) -> Callable[..., Story]:
    """Another story, in a sandbox of its own."""

    def tell_one(*, seed: int = SEED, **more: Any) -> Story:
        terms: dict[str, Any] = {"mode": "manual", "now_ms": MONDAY_MS} | more
        return Story(platform, platform.create_sandbox(seed=seed, **terms))

    return tell_one


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a database. Without one the tests that need it are skipped, but never in CI.

    Tests share it, each in sandboxes of its own. One that is about `default` takes `postgresql_alone`.
    """
    from support.postgresql import NotHere, running

    try:
        with running() as url:
            yield url
    except NotHere as reason:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(reason))


@pytest.fixture
def postgresql_alone(postgresql: str) -> Iterator[str]:
    """The URL of a database that nobody else has used or will use, on the same server."""
    import psycopg
    from sqlalchemy import make_url

    name = f"alone_{uuid.uuid4().hex}"
    server = make_url(postgresql).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield make_url(postgresql).set(database=name).render_as_string(hide_password=False)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["fakeredis", "redis-server"])
def redis_server(request: pytest.FixtureRequest) -> Iterator[Fake | Real]:
    """An empty Redis: of fakeredis, and a real one. Without a real one those tests are skipped, but never in CI."""
    from support import redis_server

    if request.param == redis_server.FAKE:
        with redis_server.fake() as server:
            yield server
    else:
        yield request.getfixturevalue("real_redis")


@pytest.fixture
def real_redis() -> Iterator[Real]:
    """An empty `redis-server`, which a test may kill. Without one its tests are skipped, but never in CI."""
    from support.redis_server import NotHere, real

    try:
        with real() as server:
            yield server
    except NotHere as reason:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(reason))
