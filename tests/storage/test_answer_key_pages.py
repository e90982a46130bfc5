"""The answer key is read in pages, in the same order on both engines."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine

from mocklend.client import Doc
from mocklend.storage.driver import fetch
from mocklend.storage.engines import open_engine, reading, writing
from mocklend.storage.snapshot import Snapshot
from mocklend.storage.statements import Value, flush, run_many
from mocklend.storage.work import Sandbox
from mocklend_faults.engine import answer_key, journal
from support.sql import asked

MONDAY_MS = 1_767_578_400_000
SANDBOX = "sbx_pages"
ROWS = 60


def row(chance: random.Random, n: int) -> Doc:
    """An injection whose place in the order is decided by anything but its id; some texts sort oddly in a locale."""
    entity = chance.choice(("loan_a", "loan_B", "loan-a", "loan.a", "Loan_a"))
    return {
        "sandbox_id": SANDBOX,
        "id": f"inj_{n}",
        "rule": chance.choice(("a-rule", "a_rule", "arule", "b")),
        "revision": 1,
        "fault": "a.fault",
        "seam": chance.choice(("view.refresh", "callback.attempt")),
        "entity": entity,
        "loan_id": chance.choice(("", entity, "loan_z")),
        "occurrence": n,
        "at_ms": MONDAY_MS + chance.randrange(4),
        "effect": "",
        "truth_before": "{}",
        "truth_after": "{}",
        "served": "{}",
        "currency": "CNY",
        "finding_class": "stale_view",
        "finding_entity": entity,
        "finding_amount_minor": 0,
        "expect": "{}",
        "from_ms": MONDAY_MS,
        "until_ms": None,
        "status": "healed",
        "ended_by": "itself",
        "ended_ms": MONDAY_MS + 10,
    }


@contextmanager
def snapshot(engine: Engine, now_ms: int = MONDAY_MS) -> Iterator[Snapshot]:
    """The sandbox whose key it is, at a moment."""
    sandbox = Sandbox(SANDBOX, "key", 7, "UTC", "manual", MONDAY_MS, 0, 0, 0, (), MONDAY_MS)
    with reading(engine) as connection:
        yield Snapshot(connection, sandbox, now_ms)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database that holds an answer key, written in no order."""
    url = f"sqlite:///{tmp_path}/key.db" if request.param == "sqlite" else request.getfixturevalue("postgresql")
    opened = open_engine(url)
    chance = random.Random(7)
    with writing(opened) as connection:
        flush(connection, [(journal.OPEN, row(chance, n)) for n in range(ROWS)])
    yield opened
    with opened.begin() as connection:
        connection.execute(journal.injections.delete().where(journal.injections.c.sandbox_id == SANDBOX))
    opened.dispose()


@pytest.mark.parametrize("at_once", [1, 7, ROWS - 1, ROWS, 500])
def test_pages_of_any_size_give_the_whole_key_in_canonical_order(
    engine: Engine, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer_key, "AT_ONCE", at_once)

    with snapshot(engine) as key:
        rows = list(answer_key.stream(key))

    assert sorted(entry.injection for entry in rows) == sorted(f"inj_{n}" for n in range(ROWS))
    assert [entry.order for entry in rows] == sorted(entry.order for entry in rows)


def test_reading_goes_on_after_any_entry(engine: Engine) -> None:
    with snapshot(engine) as key:
        whole = list(answer_key.stream(key))
        for n, entry in enumerate(whole):
            after = answer_key.find(key, entry.injection)
            assert list(answer_key.stream(key, after=after)) == whole[n + 1 :]
        assert answer_key.find(key, "inj_nobody") is None


def test_the_newest_first_is_the_whole_key_backwards_from_any_entry(engine: Engine) -> None:
    with snapshot(engine) as key:
        backwards = list(answer_key.stream(key))[::-1]

        assert list(answer_key.stream(key, newest_first=True)) == backwards
        for n in (0, 1, ROWS // 2, ROWS - 1):
            page = answer_key.key_page(key, answer_key.ALL, backwards[n], 3, newest_first=True)
            assert page == backwards[n + 1 : n + 4]


def test_a_filter_leaves_the_entries_of_a_rule_and_of_a_kind(engine: Engine) -> None:
    with snapshot(engine) as key:
        whole = list(answer_key.stream(key))
        rule, fault = whole[0].rule, whole[0].fault

        of_rule = answer_key.entries(key, answer_key.KeyFilter(rule=rule))
        of_fault = answer_key.entries(key, answer_key.KeyFilter(fault=fault, loan_id=whole[0].loan_id))

    assert of_rule == [entry for entry in whole if entry.rule == rule]
    assert 0 < len(of_rule) < len(whole)
    assert of_fault == [entry for entry in whole if (entry.fault, entry.loan_id) == (fault, whole[0].loan_id)]
    assert answer_key.KeyFilter(fault="nobody.knows") != answer_key.ALL


@pytest.mark.parametrize("newest_first", [False, True])
def test_the_entries_of_one_rule_are_found_by_their_index(engine: Engine, newest_first: bool) -> None:
    """However many entries other rules have: on both engines, by the statement that the page runs."""
    chance = random.Random(1)
    others = [row(chance, n) | {"rule": f"rule-{n % 5}", "at_ms": MONDAY_MS + n} for n in range(ROWS, 5_000)]
    with writing(engine) as connection:
        flush(connection, [(journal.OPEN, other) for other in others])
    with engine.begin() as connection:
        connection.exec_driver_sql("ANALYZE")
    wanted = answer_key.KeyFilter(rule="rule-3")
    with asked(engine) as ran, snapshot(engine) as key:
        page = answer_key.key_page(key, wanted, None, 50, newest_first=newest_first)
        answer_key.key_page(key, wanted, page[-1], 50, newest_first=newest_first)
    of_injections = [(sql, parameters) for sql, parameters in ran if "FROM injections" in sql]

    assert len(page) == 50
    assert len(of_injections) == 2
    explain = "EXPLAIN" if engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
    with engine.connect() as connection:
        for sql, parameters in of_injections:
            plan = str(fetch(connection, f"{explain} {sql}", parameters))
            assert "ix_injections_sandbox_id_rule_at_ms" in plan, plan


def test_no_transaction_is_open_between_two_pages(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_key, "AT_ONCE", 7)
    open_now = 0

    @contextmanager
    def read() -> Iterator[Snapshot]:
        nonlocal open_now
        with snapshot(engine, MONDAY_MS + 100) as key:
            open_now += 1
            yield key
            open_now -= 1

    pages = []
    for page in answer_key.batches(read):
        assert open_now == 0
        assert unfinished(engine) == 0
        pages += page

    with snapshot(engine, MONDAY_MS + 100) as key:
        assert pages == list(answer_key.stream(key))


def unfinished(engine: Engine) -> int:
    """Whether somebody's snapshot keeps the database from letting go of what is old."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            busy: int = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]
            return busy
        return int(
            connection.exec_driver_sql(
                "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND left(state, 7) = 'idle in'"
            ).scalar_one()
        )


def test_the_answer_key_is_streamed_as_of_the_start_of_the_read(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer_key, "AT_ONCE", 7)
    then_ms = MONDAY_MS + 5  # All are over five milliseconds later.
    before = [item for page in answer_key.batches(lambda: snapshot(engine, then_ms)) for item in page]
    assert {(item.status, item.ended_ms) for item in before} == {("active", None)}
    entries, active = [], []

    for n, page in enumerate(answer_key.batches(lambda: snapshot(engine, then_ms))):
        entries += page
        with writing(engine) as connection:
            flush(connection, [(journal.OPEN, row(random.Random(n), 1_000 + n) | {"at_ms": then_ms + 1})])
            over: dict[str, Value] = {"id": SANDBOX, "ms": then_ms + 1 + n}
            sql = (
                "UPDATE injections SET status = 'superseded', ended_by = 'shown', ended_ms = :ms WHERE sandbox_id = :id"
            )
            run_many(connection, sql, [over])
    for page in answer_key.batches(lambda: snapshot(engine, then_ms), answer_key.KeyFilter(status="active")):
        active += page

    assert entries == before
    assert active == before
