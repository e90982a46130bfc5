"""The classes and their groups."""

from __future__ import annotations

from alembic import op

from mocklend.storage.migrations.frozen import statements

revision = "faults_0003"
down_revision = "faults_0002"


def upgrade() -> None:
    """Make their tables."""
    connection = op.get_bind()
    for sql in statements(__file__, connection.dialect.name):
        connection.exec_driver_sql(sql)
