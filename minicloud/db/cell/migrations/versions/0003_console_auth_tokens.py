# SPDX-License-Identifier: Apache-2.0
"""Tokens for consoles."""

import sqlalchemy as sa
from alembic import op

from minicloud.db.session import Moment

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "console_auth_tokens",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("instance_uuid", sa.String(length=36), nullable=False),
        sa.Column("console_type", sa.String(length=32), nullable=False),
        sa.Column("compute_host", sa.String(length=255), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("tls_port", sa.Integer(), nullable=True),
        sa.Column("internal_access_path", sa.String(length=255), nullable=True),
        sa.Column("expires_at", Moment, nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_hash"),
    )
    op.create_index("ix_console_auth_tokens_instance", "console_auth_tokens", ["instance_uuid"], unique=False)
    op.create_index("ix_console_auth_tokens_expiry", "console_auth_tokens", ["expires_at"], unique=False)


def downgrade() -> None:
    op.drop_table("console_auth_tokens")
