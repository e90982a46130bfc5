"""An index of the injections of one rule, in the order in which the answer key lists them."""

from __future__ import annotations

from alembic import op

from mocklend.storage.migrations.frozen import statements

revision = "faults_0004"
down_revision = "faults_0003"


def upgrade() -> None:
    """Make it."""
    connection = op.get_bind()
    for sql in statements(__file__, connection.dialect.name):
        connection.exec_driver_sql(sql)
