"""Messages and trades are found by loan, state and time; the alerts of the last runs are kept."""

from __future__ import annotations

from alembic import op

from mocklend.storage.migrations.frozen import statements

revision = "platform_0002"
down_revision = "platform_0001"


def upgrade() -> None:
    """Make the indexes and the tables."""
    connection = op.get_bind()
    for sql in statements(__file__, connection.dialect.name):
        connection.exec_driver_sql(sql)
