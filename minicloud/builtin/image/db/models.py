# SPDX-License-Identifier: Apache-2.0
"""The tables of the image service."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import DeclarativeBase

from minicloud.db.session import Json, Moment


def text(length: int) -> sa.types.TypeEngine[str]:
    """A string that is compared exactly: MariaDB's default takes ``a`` for ``A``."""
    return sa.String(length).with_variant(mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_bin"), "mysql")


#: 64 KiB on MariaDB, which is a property's value and more.
LONG_TEXT = sa.Text().with_variant(mysql.TEXT(charset="utf8mb4", collation="utf8mb4_bin"), "mysql")


class Base(DeclarativeBase):
    pass


def _of_image() -> sa.Column[str]:
    return sa.Column(sa.String(36), sa.ForeignKey("images.id", ondelete="CASCADE"), primary_key=True)


class Image(Base):
    __tablename__ = "images"
    __table_args__ = (
        sa.Index("ix_images_owner", "owner"),
        sa.Index("ix_images_visibility", "visibility"),
        sa.Index("ix_images_status", "status"),
        sa.Index("ix_images_created_at", "created_at"),
        sa.Index("ix_images_name", "name"),
    )

    id = sa.Column(sa.String(36), primary_key=True)
    name = sa.Column(text(255))
    status = sa.Column(sa.String(30), nullable=False)
    visibility = sa.Column(sa.String(9), nullable=False)
    size = sa.Column(sa.BigInteger)
    virtual_size = sa.Column(sa.BigInteger)
    min_disk = sa.Column(sa.Integer, nullable=False)
    min_ram = sa.Column(sa.Integer, nullable=False)
    disk_format = sa.Column(sa.String(20))
    container_format = sa.Column(sa.String(20))
    checksum = sa.Column(sa.String(32))
    os_hash_algo = sa.Column(sa.String(64))
    os_hash_value = sa.Column(sa.String(128))
    owner = sa.Column(text(255))
    protected = sa.Column(sa.Boolean, nullable=False)
    os_hidden = sa.Column(sa.Boolean, nullable=False)
    created_at = sa.Column(Moment, nullable=False)
    updated_at = sa.Column(Moment, nullable=False)


class Property(Base):
    """One custom property; rows, so that listings can filter by any of them."""

    __tablename__ = "image_properties"

    image_id = _of_image()
    name = sa.Column(text(255), primary_key=True)
    value = sa.Column(LONG_TEXT, nullable=False)


class Tag(Base):
    __tablename__ = "image_tags"
    __table_args__ = (sa.Index("ix_image_tags_value", "value"),)

    image_id = _of_image()
    value = sa.Column(text(255), primary_key=True)


class Member(Base):
    __tablename__ = "image_members"
    __table_args__ = (sa.Index("ix_image_members_member_id", "member_id"),)

    image_id = _of_image()
    member_id = sa.Column(text(255), primary_key=True)
    status = sa.Column(sa.String(20), nullable=False)
    created_at = sa.Column(Moment, nullable=False)
    updated_at = sa.Column(Moment, nullable=False)


class Task(Base):
    """Kept apart from the image's life: what failed can be looked up after a delete."""

    __tablename__ = "tasks"
    __table_args__ = (sa.Index("ix_tasks_image_id", "image_id"), sa.Index("ix_tasks_expires_at", "expires_at"))

    id = sa.Column(sa.String(36), primary_key=True)
    image_id = sa.Column(sa.String(36), nullable=False)
    type = sa.Column(sa.String(30), nullable=False)
    status = sa.Column(sa.String(30), nullable=False)
    owner = sa.Column(text(255))
    user_id = sa.Column(text(255))
    request_id = sa.Column(sa.String(64))
    input = sa.Column(Json, nullable=False)
    result = sa.Column(Json)
    message = sa.Column(sa.Text, nullable=False)
    created_at = sa.Column(Moment, nullable=False)
    updated_at = sa.Column(Moment, nullable=False)
    expires_at = sa.Column(Moment)
