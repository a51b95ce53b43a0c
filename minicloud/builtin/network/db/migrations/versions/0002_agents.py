# SPDX-License-Identifier: Apache-2.0
"""The agents on hosts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from minicloud.db.session import Json, Moment

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "agents",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("tunnel_ip", sa.String(45), nullable=False),
        sa.Column("problems", Json(), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("started_at", Moment, nullable=False),
        sa.Column("heartbeat_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("host"),
    )
    op.create_index("ix_ports_binding_host_id", "ports", ["binding_host_id"], unique=False)
