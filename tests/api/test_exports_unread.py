"""Long answers to clients that do not read them: others are not delayed, and the answers are complete."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from mocklend.app import create_app
from mocklend.config import Settings
from mocklend.runtime import Platform, find_layer

pytestmark = pytest.mark.security


@pytest.fixture(params=["sqlite", "postgresql"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Platform]:
    """A platform with faults, on either engine."""
    url = str(tmp_path / "key.db") if request.param == "sqlite" else request.getfixturevalue("postgresql")
    platform = Platform(url, find_layer())
    yield platform
    platform.close()


def held_back(engine: Engine) -> int:
    """Whether an open snapshot keeps the database from removing old versions."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            return int(connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0])
        sql = """SELECT COUNT(*) FROM pg_stat_activity
            WHERE datname = current_database() AND left(state, 7) = 'idle in'"""
        return int(connection.exec_driver_sql(sql).scalar_one())


@pytest.mark.parametrize("address", ["/-/answer-key?format=jsonl", "/v1/ledger/beancount", "/v1/ledger/transactions"])
def test_three_clients_that_do_not_read_hold_no_snapshot_open(opened: Platform, address: str) -> None:
    client: Any = create_app(Settings(database="unused"), opened).test_client()
    sandbox = client.post("/-/sandboxes", json={"seed": 1, "clock": {"mode": "manual"}}).get_json()
    headers = {"Authorization": f"Bearer {sandbox['api_key']}"}
    rule = {"fault": "transport.latency", "with": {"delay_ms": 1}}
    assert client.put("/-/rules/late", json=rule, headers=headers).status_code == 201
    ada = client.post("/v1/borrowers", json={"reference": "ada", "name": "Ada"}, headers=headers).get_json()["id"]
    loan = {"borrower_id": ada, "principal_minor": 100_000, "product_id": "jiebei-like"}
    assert client.post("/v1/loans", json=loan, headers=headers | {"Idempotency-Key": "one"}).status_code == 201

    unread = [client.get(address, headers=headers, buffered=False) for _ in range(3)]
    written = client.post("/v1/borrowers", json={"reference": "ben", "name": "Ben"}, headers=headers)

    assert (written.status_code, held_back(opened.engine)) == (201, 0)
    assert {answer.status_code for answer in unread} == {200}
    assert len({answer.get_data() for answer in unread}) == 1
    assert unread[0].get_data()
