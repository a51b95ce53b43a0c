# SPDX-License-Identifier: Apache-2.0
"""Resizes and cold migrations."""

import sqlalchemy as sa
from alembic import op

from minicloud.db.session import Json, Moment

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "migrations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("instance_uuid", sa.String(length=36), nullable=False),
        sa.Column("migration_type", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("source_compute", sa.String(length=255), nullable=False),
        sa.Column("source_node", sa.String(length=255), nullable=False),
        sa.Column("dest_compute", sa.String(length=255), nullable=False),
        sa.Column("dest_node", sa.String(length=255), nullable=False),
        sa.Column("old_flavor", Json(), nullable=False),
        sa.Column("new_flavor", Json(), nullable=False),
        sa.Column("old_vm_state", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=True),
        sa.Column("project_id", sa.String(length=64), nullable=True),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("updated_at", Moment, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("uuid"),
    )
    op.create_index("ix_migrations_instance", "migrations", ["instance_uuid", "status"], unique=False)
    op.create_index("ix_migrations_status", "migrations", ["status"], unique=False)


def downgrade() -> None:
    op.drop_table("migrations")
