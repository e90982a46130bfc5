"""The tables of 0.1.0."""

from __future__ import annotations

from alembic import op

from mocklend.storage.migrations.frozen import statements

revision = "faults_0001"
down_revision = None
branch_labels = ("faults",)
depends_on = None


def upgrade() -> None:
    """Make them."""
    connection = op.get_bind()
    for sql in statements(__file__, connection.dialect.name):
        connection.exec_driver_sql(sql)
