"""A status is bound as its text, on both engines."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, make_url

from mocklend.domain.statuses import LoanStatus, RepaymentStatus
from mocklend.storage.statements import run_many
from support.sql import rows


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """A database of either engine."""
    if request.param == "sqlite":
        return "sqlite://"
    server = make_url(request.getfixturevalue("postgresql")).set(drivername="postgresql+psycopg")
    return server.render_as_string(hide_password=False)


def test_a_status_is_stored_and_found_as_its_text(url: str) -> None:
    engine = create_engine(url)
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TEMPORARY TABLE told (status TEXT)")

        run_many(connection, "INSERT INTO told (status) VALUES (:status)", [{"status": RepaymentStatus.SUCCEEDED}])

        sql = "SELECT status FROM told WHERE status = :status"
        stored = rows(connection, lambda status: (type(status), status), sql, status=RepaymentStatus.SUCCEEDED)
        assert stored == [(str, "S")]
        assert not rows(connection, str, sql, status=LoanStatus.CLEAR)
    engine.dispose()
