"""What all tests share: Hypothesis profiles, and a platform with a sandbox in it.

Nothing here reads the wall clock: a sandbox's clock is manual and starts at 10:00 on a Monday in Shanghai. A failed
test says which seed its sandbox had; `--mocklend-seed N` replays it with that one or another.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import uuid
from collections.abc import Callable, Generator, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, settings
from scoping import unscoped
from sqlalchemy import Engine, event, inspect

from mocklend.channels.channel import channel_of
from mocklend.domain.product import PRODUCTS, Product
from mocklend.due import command_for, due
from mocklend.lender import Lender
from mocklend.lending import AddBorrower, Borrow, MakeQuote, Repay
from mocklend.sandboxes.ids import callback_of, order_no
from mocklend.sandboxes.lifecycle import SetClock
from mocklend.servicing import Edit, QueryChannel, ReverseEdit, ReverseRepayment
from mocklend.storage.stores import rows
from mocklend.storage.work import Command, Idempotency, Sandbox
from mocklend.views import reads

TESTS = Path(__file__).resolve().parent
if str(TESTS) not in sys.path:
    sys.path.insert(0, str(TESTS))

MONDAY_MS = 1_767_578_400_000
"""2026-01-05T10:00 in Shanghai."""
DAY_MS = 86_400_000
SEED = 7

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


_ASKED_FROM = tuple(str(TESTS.parent / root) + os.sep for root in ("platform", "faults", "tests", "loadtests"))
_RUN_BY = tuple(
    str(TESTS.parent / "platform" / "mocklend" / "storage" / name) for name in ("stores.py", "statements.py")
)
_loose_by_text: dict[str, str] = {}
_loose_ran: list[str] = []
"""What the platform ran in this test on the rows of more than one sandbox."""


@event.listens_for(Engine, "before_cursor_execute")
def look_at_each_text(_connection: Any, _cursor: Any, sql: str, *_rest: Any) -> None:
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
    asked = request.config.getoption("--mocklend-seed", default=None)
    chosen: int = SEED if asked is None else asked
    request.node.stash[_SEED] = chosen
    return chosen


@pytest.fixture
def open_lender(tmp_path: Path) -> Iterator[Callable[..., Lender]]:
    """Open the platform on this test's one database, as often as the test restarts it."""
    opened: list[Lender] = []

    def open_one(layer: Any = None, **more: Any) -> Lender:
        # Nothing here can lose power, so nothing waits for the disk.
        opened.append(Lender(str(tmp_path / "mocklend.db"), layer, fast=True, **more))
        return opened[-1]

    yield open_one
    for lender in opened:
        lender.close()


@pytest.fixture
def lender(open_lender: Callable[..., Lender]) -> Lender:
    """An honest platform."""
    return open_lender()


class Clock:
    """Real time, as a test has it: it goes on where the test says so."""

    def __init__(self) -> None:
        self.ms = MONDAY_MS

    def __call__(self) -> int:
        return self.ms


@pytest.fixture
def clock() -> Clock:
    """The real time of a platform: `open_lender(real_ms=clock)`."""
    return Clock()


@pytest.fixture
def wall(open_lender: Callable[..., Lender], clock: Clock, seed: int) -> Story:
    """Ada's story, on a clock that runs by itself."""
    lender = open_lender(real_ms=clock)
    return Story(lender, lender.create_sandbox(seed=seed, mode="wall"))


@pytest.fixture
def sandbox(lender: Lender, seed: int) -> Sandbox:
    """A sandbox with a manual clock."""
    return lender.create_sandbox(seed=seed, mode="manual", now_ms=MONDAY_MS)


@pytest.fixture
def story(lender: Lender, sandbox: Sandbox) -> Story:
    """Ada's story, told in the sandbox."""
    return Story(lender, sandbox)


class Story:
    """Whatever happens in one sandbox, in a line each. Keys are numbered, so the same story has the same ids."""

    def __init__(self, lender: Lender, sandbox: Sandbox) -> None:
        self.lender = lender
        self.sandbox_id = sandbox.id
        self.sandbox = sandbox
        self._keys = 0

    def key(self) -> Idempotency:
        """A fresh idempotency key."""
        self._keys += 1
        return Idempotency(f"key-{self._keys}", f"fingerprint-{self._keys}")

    @property
    def now_ms(self) -> int:
        """The sandbox's clock."""
        return self.lender.now_ms(self.sandbox_id)

    # --- what clients do ---

    def borrow(
        self,
        principal_minor: int = 100_000,
        *,
        product: Product = PRODUCTS["jiebei-like"],
        reference: str | None = None,
        borrower: str = "ada",
        limit_minor: int = 10**12,
    ) -> str:
        """Ada borrows 1,000.00."""
        ada = self.lender.run(AddBorrower(self.sandbox_id, borrower, borrower.title(), limit_minor)).body["id"]
        borrowing = Borrow(self.sandbox_id, self.key(), ada, principal_minor, "CNY", product, None, reference)
        loan_id: str = self.lender.run(borrowing).body["id"]
        return loan_id

    def quote(self, loan_id: str, type: str = "CLEAR", on: date | None = None) -> dict[str, Any]:
        """What would it take?"""
        return self.lender.run(MakeQuote(self.sandbox_id, loan_id, type, on)).body

    def order(
        self, loan_id: str, amount_minor: int, channel: str = "wallet", type: str = "OVD_AND_CURRENT", **more: Any
    ) -> str:
        """Order a repayment; the money is not there yet."""
        return str(self.lender.run(self.repayment(loan_id, amount_minor, channel, type, **more)).body["id"])

    def repayment(
        self,
        loan_id: str,
        amount_minor: int,
        channel: str = "wallet",
        type: str = "OVD_AND_CURRENT",
        *,
        key: Idempotency | None = None,
        quote_id: str | None = None,
    ) -> Repay:
        """The order as a command."""
        delay = channel_of(channel).settle_delay_s
        key = key or self.key()
        return Repay(self.sandbox_id, key, loan_id, amount_minor, channel, delay, type, quote_id, None)

    def repay(self, loan_id: str, amount_minor: int, channel: str = "wallet", type: str = "OVD_AND_CURRENT") -> str:
        """Repay, and wait until the channel has settled and called back."""
        repayment_id = self.order(loan_id, amount_minor, channel, type)
        self.wait(channel_of(channel).settle_delay_s)
        return repayment_id

    def settle(self, loan_id: str, channel: str = "wallet") -> str:
        """Pay off what a quote asks for."""
        return self.repay(loan_id, self.quote(loan_id)["total_minor"], channel, "CLEAR")

    # --- what staff do ---

    def edit(
        self, loan_id: str, amount_minor: int | None, kind: str = "MODIFY_BILL_AMOUNT", status: str | None = None
    ) -> str:
        """An operator edits the bill."""
        edit = Edit(self.sandbox_id, self.key(), loan_id, kind, amount_minor, status, "a memo", "op", None)
        return str(self.lender.run(edit).body["id"])

    def reverse_edit(self, edit_id: str) -> dict[str, Any]:
        """An operator takes an edit back."""
        return self.lender.run(ReverseEdit(self.sandbox_id, self.key(), edit_id, "a memo", "op")).body

    def reverse(self, repayment_id: str) -> dict[str, Any]:
        """An operator takes a repayment off its loan."""
        return self.lender.run(ReverseRepayment(self.sandbox_id, self.key(), repayment_id, "a memo", "op")).body

    def query_channel(self, repayment_id: str) -> dict[str, Any]:
        """An operator asks the channel what became of an order."""
        return self.lender.run(QueryChannel(self.sandbox_id, self.key(), repayment_id, "op")).body

    # --- time ---

    def wait(self, seconds: int = 0, *, days: int = 0) -> list[dict[str, Any]]:
        """Let time pass; gives back what that released."""
        return self.lender.advance(self.sandbox_id, self.now_ms + seconds * 1000 + days * DAY_MS).released

    def settle_silently(self, repayment_id: str) -> None:
        """The channel gets its money, and its callback waits."""
        trade_id = order_no(repayment_id)
        due_ms = max(self.now_ms, self.entity("trade", trade_id).due_ms)
        settling = self.command(due_ms, "settlement", trade_id)
        self.lender.writer.run_all([SetClock(self.sandbox_id, due_ms), settling])

    def callback(self, repayment_id: str) -> Command:
        """The attempt to deliver a callback that is due."""
        return self.command(self.now_ms, "callback", callback_of(repayment_id))

    def command(self, until_ms: int, what: str, id: str) -> Command:
        """The command that works off one due item."""
        with self.lender.read() as connection:
            items = due(connection, self.sandbox_id, until_ms, 10_000, only=(what,))
        return command_for(self.sandbox_id, next(item for item in items if item.id == id))

    def sleep(self, seconds: int = 0, *, days: int = 0) -> None:
        """Time passes and nobody does anything about it."""
        to_ms = self.now_ms + seconds * 1000 + days * DAY_MS
        self.lender.writer.run_all([SetClock(self.sandbox_id, to_ms)])

    # --- what can be seen ---

    def page(self, loan_id: str) -> dict[str, Any]:
        """What the status page says."""
        with self.lender.read() as connection:
            return reads.page(connection, self.sandbox_id, self.now_ms, loan_id)

    def entity(self, kind: str, id: str) -> Any:
        """A row as the platform has it."""
        with self.lender.read() as connection:
            return reads.entity(connection, self.sandbox_id, kind, id)

    def journal(self, loan_id: str) -> list[dict[str, Any]]:
        """The loan's transactions."""
        with self.lender.read() as connection:
            found: list[dict[str, Any]] = reads.transactions(
                connection, self.sandbox_id, loan_id=loan_id, limit=10_000
            )["transactions"]
            return found

    def receivable(self, loan_id: str) -> int:
        """What the journal says is still owed."""
        total = 0
        for transaction in self.journal(loan_id):
            for posting in transaction["postings"]:
                sides = posting["debit"].startswith("110"), posting["credit"].startswith("110")
                total += posting["amount_minor"] * (sides[0] - sides[1])
        return total

    def discrepancies(self) -> list[tuple[str, str, int]]:
        """What the audit finds: class, entity, amount."""
        found = self.lender.audit(self.sandbox_id).discrepancies
        return [(d.finding.finding_class, d.finding.entity, d.finding.amount_minor) for d in found]

    def broken(self) -> set[str]:
        """The names of the invariants that do not hold."""
        return set(self.lender.audit(self.sandbox_id).broken())

    def everything(self, *, without: frozenset[str] = frozenset()) -> dict[str, list[Mapping[str, Any]]]:
        """Every row of the sandbox, table by table: to tell whether anything at all has changed.

        When it was last used is real time, and no part of what happened in it.
        """
        found: dict[str, list[Mapping[str, Any]]] = {}
        tables = inspect(self.lender.engine)
        with self.lender.read() as connection:
            for table in sorted(tables.get_table_names()):
                columns = [column["name"] for column in tables.get_columns(table)]
                if "sandbox_id" in columns and table not in without | {"sandbox_uses"}:
                    columns.remove("sandbox_id")
                    sql = (
                        f"SELECT {', '.join(columns)} FROM {table} WHERE sandbox_id = :id ORDER BY {', '.join(columns)}"
                    )
                    found[table] = [
                        dict(zip(columns, row, strict=True)) for row in rows(connection, sql, {"id": self.sandbox_id})
                    ]
        return found


@pytest.fixture
def tell(lender: Lender) -> Callable[..., Story]:
    """Another story, in a sandbox of its own."""

    def tell_one(*, seed: int = SEED, **more: Any) -> Story:
        terms = {"mode": "manual", "now_ms": MONDAY_MS} | more
        return Story(lender, lender.create_sandbox(seed=seed, **terms))

    return tell_one


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a database. Without one the tests that need it are skipped, but never in CI.

    Tests share it, each in sandboxes of its own. One that is about `default` takes `postgresql_alone`.
    """
    from postgresql import NotHere, running

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
