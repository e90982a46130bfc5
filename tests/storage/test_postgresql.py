"""PostgreSQL: the same rows and refusals as SQLite, and several processes at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import psycopg
import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from mocklend.domain.channel import channels
from mocklend.domain.problems import Refused
from mocklend.domain.product import PRODUCTS
from mocklend.ledger.journal import transaction_id
from mocklend.lending import AddBorrower, Borrow
from mocklend.monitoring import alerts
from mocklend.runtime import Platform
from mocklend.sandboxes.lifecycle import DEFAULT, Bounds
from mocklend.servicing import ReverseRepayment
from mocklend.storage.ddl import APPEND_ONLY
from mocklend.storage.work import Answer, Command
from mocklend_faults.engine import FaultLayer
from support.story import Story

MONDAY_MS = 1_767_578_400_000
STEPS = 300


@pytest.fixture
def platform(postgresql: str) -> Iterator[Platform]:
    """An honest platform on PostgreSQL: `story` and `tell` are told there."""
    opened = Platform(postgresql)
    yield opened
    opened.close()


@pytest.fixture
def raw(postgresql: str, story: Story) -> Iterator[psycopg.Connection]:
    """A bare connection. Ada has borrowed, repaid a part, and had an edit reversed."""
    loan_id = story.borrow()
    story.repay(loan_id, 9_500)
    story.reverse_edit(story.edit(loan_id, 500))
    url = make_url(postgresql).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
        connection.execute("SELECT set_config('mocklend.sandbox', %s, false)", [story.sandbox_id])
        yield connection


def tell_it(story: Story) -> list[str]:
    """Every channel, a late payment, charges and waivers, and things taken back."""
    loans = []
    for channel in sorted(channels()):
        loan_id = story.borrow(reference=f"by {channel}")
        story.wait(days=33)
        late = story.repay(loan_id, 9_500, channel)
        story.edit(loan_id, 700)
        story.reverse_edit(story.edit(loan_id, -300))
        story.repay(loan_id, story.quote(loan_id, "OVD_AND_CURRENT")["total_minor"] + 5_000, channel)
        story.reverse(late)
        story.wait(days=10)
        story.settle(loan_id, channel)
        loans.append(loan_id)
    return loans


def in_order(everything: Mapping[str, Sequence[Mapping[str, object]]]) -> dict[str, list[str]]:
    """All rows, in an order that no engine has a word in. A server that was there before may have more tables."""
    return {
        table: sorted(str(dict(row)) for row in table_rows) for table, table_rows in everything.items() if table_rows
    }


def test_the_same_story_is_the_same_to_the_byte_on_both_engines(
    story: Story, open_platform: Callable[..., Platform], seed: int
) -> None:
    embedded = open_platform()
    other = type(story)(embedded, embedded.create_sandbox(seed=seed, mode="manual", now_ms=MONDAY_MS))

    loans = tell_it(story)

    assert tell_it(other) == loans
    assert in_order(story.everything()) == in_order(other.everything())
    assert [story.page(loan_id)["status"] for loan_id in loans] == ["CLEAR"] * len(loans)
    assert story.discrepancies() == []


def test_a_restarted_platform_has_the_same_rows(story: Story, postgresql: str) -> None:
    loan_id = story.borrow()
    story.order(loan_id, 9_500, "bank_transfer")
    before = story.everything()

    again = Platform(postgresql)
    later = type(story)(again, story.sandbox)

    assert later.everything() == before
    later.wait(days=2)
    assert later.page(loan_id)["paid_minor"] == 9_500
    assert later.discrepancies() == []
    again.close()


def test_a_deleted_sandbox_leaves_nothing_behind(tell: Callable[..., Story], platform: Platform) -> None:
    gone, stays = tell(), tell()
    loans = [gone.borrow(), stays.borrow()]
    gone.settle(loans[0])
    before = stays.everything()

    platform.delete_sandbox(gone.sandbox_id)

    assert not any(gone.everything().values())
    assert stays.everything() == before


# --- what the database itself refuses ---


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_posted_rows_cannot_be_changed_or_deleted_while_their_sandbox_exists(
    raw: psycopg.Connection, table: str
) -> None:
    for sql in (f"UPDATE {table} SET sandbox_id = 'elsewhere'", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
        with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
            raw.execute(sql)


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_posted_rows_cannot_be_written_again(raw: psycopg.Connection, table: str) -> None:
    key = raw.execute(
        "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'p'", (table,)
    ).fetchone()
    assert key is not None

    with pytest.raises(psycopg.errors.UniqueViolation):
        raw.execute(f"INSERT INTO {table} SELECT * FROM {table}")
    with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        raw.execute(
            f"INSERT INTO {table} SELECT * FROM {table} ON CONFLICT ON CONSTRAINT {key[0]} DO UPDATE SET sandbox_id = 's'"
        )


def again(raw: psycopg.Connection, table: str, where: str = "TRUE", **change: object) -> None:
    """Insert a row like one that is there, but for some columns."""
    mine = "sandbox_id = current_setting('mocklend.sandbox')"
    cursor = raw.execute(f"SELECT * FROM {table} WHERE {mine} AND {where} LIMIT 1")
    row = cursor.fetchone()
    assert row is not None
    assert cursor.description is not None
    new = dict(zip([column.name for column in cursor.description], row, strict=True)) | change
    places = ", ".join(["%s"] * len(new))
    raw.execute(f"INSERT INTO {table} ({', '.join(new)}) VALUES ({places})", list(new.values()))


def test_a_posting_moves_more_than_nothing_between_two_accounts(raw: psycopg.Connection) -> None:
    for amount in (0, -1):
        with pytest.raises(psycopg.errors.CheckViolation, match="amount_positive"):
            again(raw, "postings", line=9, amount_minor=amount)
    with pytest.raises(psycopg.errors.CheckViolation, match="two_accounts"):
        again(raw, "postings", line=9, debit="1101", credit="1101")
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        again(raw, "postings", seq=99)


def test_a_transaction_is_reversed_once(raw: psycopg.Connection) -> None:
    mine = "sandbox_id = current_setting('mocklend.sandbox') AND reverses IS NOT NULL"
    chain = raw.execute(f"SELECT chain FROM transactions WHERE {mine} LIMIT 1").fetchone()
    assert chain is not None
    where = f"chain = '{chain[0]}' AND reverses IS NOT NULL"
    with pytest.raises(psycopg.errors.UniqueViolation, match="reverses"):
        again(raw, "transactions", where, seq=99, id=transaction_id(chain[0], 99))


def test_a_fact_belongs_to_one_loan(raw: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation):
        again(raw, "book_facts", loan_id="loan_x")


# --- reads, and more than one process ---


def test_a_read_sees_one_moment_and_writes_nothing(story: Story, platform: Platform) -> None:
    count = "SELECT COUNT(*) FROM loans WHERE sandbox_id = %(id)s"
    with platform.read() as connection:
        before = connection.exec_driver_sql(count, {"id": story.sandbox_id}).scalar()
        story.borrow()
        during = connection.exec_driver_sql(count, {"id": story.sandbox_id}).scalar()
        with pytest.raises(DBAPIError, match="read-only"):
            connection.exec_driver_sql("DELETE FROM loans")

    with platform.read() as connection:
        after = connection.exec_driver_sql(count, {"id": story.sandbox_id}).scalar()
    assert (before, during, after) == (0, 0, 1)


@pytest.fixture
def second(platform: Platform, postgresql: str) -> Iterator[Platform]:
    """What another process would open: a writer of its own, so that only the database's row locks keep the two apart."""
    opened = Platform(postgresql)
    yield opened
    opened.close()


def at_once(platforms: Sequence[Platform], commands: Sequence[Command]) -> list[Answer | Refused]:
    """Each command's outcome, taken in turns by platforms that eight clients call at once."""

    def run(n: int) -> Answer | Refused:
        try:
            return platforms[n % len(platforms)].run(commands[n])
        except Refused as refused:
            return refused

    with ThreadPoolExecutor(8) as clients:
        return list(clients.map(run, range(len(commands))))


def test_two_processes_that_change_one_loan_lose_no_write(story: Story, platform: Platform, second: Platform) -> None:
    loan_id = story.borrow(10_000_000)

    placed = at_once((platform, second), [story.repayment(loan_id, 1_000 + n) for n in range(40)])
    story.wait(60)
    ids = [answer.body["id"] for answer in placed if isinstance(answer, Answer)]
    at_once(
        (second, platform),
        [ReverseRepayment(story.sandbox_id, story.key(), id, "a memo", "op") for id in ids[:10]],
    )

    page = story.page(loan_id)
    assert (page["paid_minor"], page["overpaid_minor"]) == (sum(1_000 + n for n in range(10, 40)), 0)
    assert story.discrepancies() == []


def test_a_limit_holds_for_two_processes_at_once(story: Story, platform: Platform, second: Platform) -> None:
    ada = platform.run(AddBorrower(story.sandbox_id, "ada", "Ada", 1_000_000)).body["id"]
    product = PRODUCTS["jiebei-like"]

    outcomes = at_once(
        (platform, second),
        [Borrow(story.sandbox_id, story.key(), ada, 100_000, "CNY", product, None, None) for _ in range(20)],
    )

    assert sum(isinstance(outcome, Answer) for outcome in outcomes) == 10
    assert {outcome.code for outcome in outcomes if isinstance(outcome, Refused)} == {"credit_limit_exceeded"}
    assert story.discrepancies() == []


def test_one_key_sent_to_two_processes_moves_money_once(story: Story, platform: Platform, second: Platform) -> None:
    order = story.repayment(story.borrow(), 1_000)

    outcomes = at_once((platform, second), [order] * 20)

    answers = [outcome for outcome in outcomes if isinstance(outcome, Answer)]
    assert answers
    assert len({answer.body["id"] for answer in answers}) == 1
    assert sum(not answer.replayed for answer in answers) == 1
    assert {outcome.code for outcome in outcomes if isinstance(outcome, Refused)} <= {"request_in_progress"}
    assert len(story.everything()["repayments"]) == 1


def waits_for(raw: psycopg.Connection, act: Callable[[], object]) -> Future[object]:
    """Call a function in another thread; return once it waits for a lock."""
    caller = ThreadPoolExecutor(1)
    acting = caller.submit(act)
    caller.shutdown(wait=False)
    waiting = "SELECT COUNT(*) FROM pg_locks WHERE NOT granted"
    while not (row := raw.execute(waiting).fetchone()) or not row[0]:
        assert not acting.done()
    return acting


def test_a_deletion_removes_what_another_process_commits_meanwhile(
    raw: psycopg.Connection, story: Story, platform: Platform
) -> None:
    with raw.transaction():
        raw.execute("SELECT id FROM sandboxes WHERE id = %s FOR UPDATE", [story.sandbox_id])
        # The table is empty till then: only tables with rows of the sandbox are emptied.
        raw.execute("INSERT INTO request_numbers (sandbox_id, entity, number) VALUES (%s, 'e', 1)", [story.sandbox_id])
        deleting = waits_for(raw, lambda: platform.delete_sandbox(story.sandbox_id))

    deleting.result(30)
    assert not any(story.everything().values())


def test_a_reset_goes_on_from_what_another_process_commits_meanwhile(
    raw: psycopg.Connection, story: Story, platform: Platform
) -> None:
    with raw.transaction():
        raw.execute("UPDATE sandboxes SET rules_version = 40 WHERE id = %s", [story.sandbox_id])
        resetting = waits_for(raw, lambda: platform.reset_sandbox(story.sandbox_id))

    resetting.result(30)
    with platform.read() as connection:
        assert platform.sandbox(connection, story.sandbox_id).rules_version == 41


# --- the identity ---


@pytest.mark.long
def test_the_identity_holds_on_postgresql(postgresql: str) -> None:
    from identity import state_machine
    from identity.actors import base

    assert base.PLATFORMS == []
    base.PLATFORMS.append(Platform(postgresql, FaultLayer(base.KINDS)))
    try:
        assert state_machine.walk(STEPS, seed=5) >= STEPS
    finally:
        base.PLATFORMS.pop().close()


def test_monitoring_has_the_same_alerts_on_postgresql(story: Story) -> None:
    loans = tell_it(story)
    loan_id = story.borrow(reference="one more")
    repayment_id = story.order(loan_id, 9_500)
    story.settle_silently(repayment_id)
    story.sleep(7_200)

    with story.platform.read() as connection:
        alert_list = alerts(story.snapshot(connection)).alerts

    assert loans
    assert [(finding.check, finding.entity) for finding in alert_list] == [("channel_money_not_in_books", repayment_id)]


def test_sandboxes_are_counted_listed_and_expire_on_postgresql(postgresql: str) -> None:
    real_ms = [MONDAY_MS]
    platform = Platform(postgresql, real_ms=lambda: real_ms[0], bounds=Bounds(3, 1))
    try:
        for sandbox, _ in platform.uses.listed("", 1_000):  # Others have told their stories here.
            if sandbox.id != DEFAULT:
                platform.delete_sandbox(sandbox.id)
        platform.ensure_default(1)
        old, used, runs = (platform.create_sandbox(seed=1, mode=mode).id for mode in ("manual", "manual", "wall"))
        for refused, mode in (("too_many_sandboxes", "manual"), ("too_many_sandboxes", "wall")):
            with pytest.raises(Refused, match=refused):
                platform.create_sandbox(seed=1, mode=mode)
        with pytest.raises(Refused, match="too_many_clocks"):
            platform.set_pace(old, 1)
        real_ms[0] += 8 * 86_400_000
        platform.uses.note(used)
        platform.uses.note(runs)
        platform.tick()

        first = platform.uses.listed("", 2)
        rest = platform.uses.listed(first[-1][0].id, 10)
        used_at = {item.id: at for item, at in [*first, *rest] if item.id != DEFAULT}
        assert used_at == {old: MONDAY_MS, used: real_ms[0], runs: real_ms[0]}
        assert platform.expire_sandboxes(7 * 86_400_000) == ([old], False)
        assert len(platform.uses.listed("", 10)) == 3
    finally:
        platform.close()
