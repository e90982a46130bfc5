"""The answer key is read in pages, in the one order that Python gives it, on either engine."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from mocklend.storage.engines import open_engine, reading, writing
from mocklend.storage.statements import flush
from mocklend_faults.engine import answer_key, journal

MONDAY_MS = 1_767_578_400_000
SANDBOX = "sbx_pages"
ROWS = 60


def row(chance: random.Random, n: int) -> dict[str, Any]:
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

    with reading(engine) as connection:
        told = list(answer_key.stream(connection, SANDBOX, MONDAY_MS))

    assert sorted(one.injection for one in told) == sorted(f"inj_{n}" for n in range(ROWS))
    assert [one.order for one in told] == sorted(one.order for one in told)


def test_reading_goes_on_after_any_entry(engine: Engine) -> None:
    with reading(engine) as connection:
        whole = list(answer_key.stream(connection, SANDBOX, MONDAY_MS))
        for n, entry in enumerate(whole):
            after = answer_key.find(connection, SANDBOX, MONDAY_MS, entry.injection)
            assert list(answer_key.stream(connection, SANDBOX, MONDAY_MS, after=after)) == whole[n + 1 :]
        assert answer_key.find(connection, SANDBOX, MONDAY_MS, "inj_nobody") is None
