# SPDX-License-Identifier: Apache-2.0
"""Images, their properties, tags and members, and import tasks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from minicloud.db.session import Json, Moment

revision = "0001"
down_revision = None


def _text(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_bin"), "mysql")


def _moments() -> tuple[sa.Column[object], ...]:
    return sa.Column("created_at", Moment, nullable=False), sa.Column("updated_at", Moment, nullable=False)


def _of_image() -> sa.Column[str]:
    return sa.Column("image_id", sa.String(36), sa.ForeignKey("images.id", ondelete="CASCADE"), primary_key=True)


def upgrade() -> None:
    op.create_table(
        "images",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("name", _text(255)),
        sa.Column("status", sa.String(30), nullable=False),
        sa.Column("visibility", sa.String(9), nullable=False),
        sa.Column("size", sa.BigInteger),
        sa.Column("virtual_size", sa.BigInteger),
        sa.Column("min_disk", sa.Integer, nullable=False),
        sa.Column("min_ram", sa.Integer, nullable=False),
        sa.Column("disk_format", sa.String(20)),
        sa.Column("container_format", sa.String(20)),
        sa.Column("checksum", sa.String(32)),
        sa.Column("os_hash_algo", sa.String(64)),
        sa.Column("os_hash_value", sa.String(128)),
        sa.Column("owner", _text(255)),
        sa.Column("protected", sa.Boolean, nullable=False),
        sa.Column("os_hidden", sa.Boolean, nullable=False),
        *_moments(),
    )
    for column in ("owner", "visibility", "status", "created_at", "name"):
        op.create_index(f"ix_images_{column}", "images", [column])
    _properties_tags_members()
    _tasks()


def _properties_tags_members() -> None:
    long_text = sa.Text().with_variant(mysql.TEXT(charset="utf8mb4", collation="utf8mb4_bin"), "mysql")
    op.create_table(
        "image_properties",
        _of_image(),
        sa.Column("name", _text(255), primary_key=True),
        sa.Column("value", long_text, nullable=False),
    )
    op.create_table("image_tags", _of_image(), sa.Column("value", _text(255), primary_key=True))
    op.create_index("ix_image_tags_value", "image_tags", ["value"])
    op.create_table(
        "image_members",
        _of_image(),
        sa.Column("member_id", _text(255), primary_key=True),
        sa.Column("status", sa.String(20), nullable=False),
        *_moments(),
    )
    op.create_index("ix_image_members_member_id", "image_members", ["member_id"])


def _tasks() -> None:
    op.create_table(
        "tasks",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("image_id", sa.String(36), nullable=False),
        sa.Column("type", sa.String(30), nullable=False),
        sa.Column("status", sa.String(30), nullable=False),
        sa.Column("owner", _text(255)),
        sa.Column("user_id", _text(255)),
        sa.Column("request_id", sa.String(64)),
        sa.Column("input", Json, nullable=False),
        sa.Column("result", Json),
        sa.Column("message", sa.Text, nullable=False),
        *_moments(),
        sa.Column("expires_at", Moment),
    )
    op.create_index("ix_tasks_image_id", "tasks", ["image_id"])
    op.create_index("ix_tasks_expires_at", "tasks", ["expires_at"])


def downgrade() -> None:
    for table in ("tasks", "image_members", "image_tags", "image_properties", "images"):
        op.drop_table(table)
