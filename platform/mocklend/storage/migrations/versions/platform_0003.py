"""The reports that are kept."""

from __future__ import annotations

from alembic import op

from mocklend.storage.migrations.frozen import statements

revision = "platform_0003"
down_revision = "platform_0002"


def upgrade() -> None:
    """Make their table."""
    connection = op.get_bind()
    for sql in statements(__file__, connection.dialect.name):
        connection.exec_driver_sql(sql)
