# SPDX-License-Identifier: Apache-2.0
"""Tables of the identity database."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from minicloud.db.session import Json, Moment

_ID = sa.String(64)
_NAME = sa.String(255)


class Base(DeclarativeBase):
    """Holds the metadata that the migrations are compared with."""


class _Record:
    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    extra: Mapped[dict[str, Any]] = mapped_column(Json, nullable=False)


class Domain(_Record, Base):
    __tablename__ = "domains"

    name: Mapped[str] = mapped_column(_NAME, unique=True)
    description: Mapped[str | None] = mapped_column(sa.Text)
    enabled: Mapped[bool] = mapped_column(sa.Boolean)
    tags: Mapped[list[str]] = mapped_column(Json, nullable=False)
    options: Mapped[dict[str, Any]] = mapped_column(Json, nullable=False)


class Project(_Record, Base):
    __tablename__ = "projects"
    __table_args__ = (sa.UniqueConstraint("domain_id", "name", name="uniq_projects0domain_id0name"),)

    domain_id: Mapped[str] = mapped_column(_ID, sa.ForeignKey("domains.id"))
    name: Mapped[str] = mapped_column(_NAME)
    parent_id: Mapped[str | None] = mapped_column(_ID, sa.ForeignKey("projects.id"), index=True)
    description: Mapped[str | None] = mapped_column(sa.Text)
    enabled: Mapped[bool] = mapped_column(sa.Boolean)
    tags: Mapped[list[str]] = mapped_column(Json, nullable=False)
    options: Mapped[dict[str, Any]] = mapped_column(Json, nullable=False)


class User(_Record, Base):
    __tablename__ = "users"
    __table_args__ = (sa.UniqueConstraint("domain_id", "name", name="uniq_users0domain_id0name"),)

    domain_id: Mapped[str] = mapped_column(_ID, sa.ForeignKey("domains.id"))
    name: Mapped[str] = mapped_column(_NAME)
    description: Mapped[str | None] = mapped_column(sa.Text)
    default_project_id: Mapped[str | None] = mapped_column(_ID)
    enabled: Mapped[bool] = mapped_column(sa.Boolean)
    options: Mapped[dict[str, Any]] = mapped_column(Json, nullable=False)
    password_hash: Mapped[str | None] = mapped_column(sa.String(128))
    created_at: Mapped[datetime | None] = mapped_column(Moment)


class Group(_Record, Base):
    __tablename__ = "user_groups"  # "groups" is a reserved word of MySQL 8
    __table_args__ = (sa.UniqueConstraint("domain_id", "name", name="uniq_groups0domain_id0name"),)

    domain_id: Mapped[str] = mapped_column(_ID, sa.ForeignKey("domains.id"))
    name: Mapped[str] = mapped_column(_NAME)
    description: Mapped[str | None] = mapped_column(sa.Text)


class Membership(Base):
    __tablename__ = "memberships"

    group_id: Mapped[str] = mapped_column(_ID, sa.ForeignKey("user_groups.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[str] = mapped_column(
        _ID, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class Role(_Record, Base):
    __tablename__ = "roles"
    __table_args__ = (sa.UniqueConstraint("name", "domain_id", name="uniq_roles0name0domain_id"),)

    name: Mapped[str] = mapped_column(_NAME)
    domain_id: Mapped[str] = mapped_column(_ID)
    description: Mapped[str | None] = mapped_column(sa.Text)
    options: Mapped[dict[str, Any]] = mapped_column(Json, nullable=False)


class ImpliedRole(Base):
    __tablename__ = "implied_roles"

    prior_id: Mapped[str] = mapped_column(_ID, sa.ForeignKey("roles.id", ondelete="CASCADE"), primary_key=True)
    implied_id: Mapped[str] = mapped_column(
        _ID, sa.ForeignKey("roles.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class Assignment(Base):
    __tablename__ = "assignments"

    actor_type: Mapped[str] = mapped_column(sa.String(8), primary_key=True)
    actor_id: Mapped[str] = mapped_column(_ID, primary_key=True)
    target_type: Mapped[str] = mapped_column(sa.String(8), primary_key=True)
    target_id: Mapped[str] = mapped_column(_ID, primary_key=True, index=True)
    role_id: Mapped[str] = mapped_column(
        _ID, sa.ForeignKey("roles.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class Region(_Record, Base):
    __tablename__ = "regions"

    id: Mapped[str] = mapped_column(_NAME, primary_key=True)
    description: Mapped[str | None] = mapped_column(sa.Text)
    parent_region_id: Mapped[str | None] = mapped_column(_NAME, sa.ForeignKey("regions.id"), index=True)


class Service(_Record, Base):
    __tablename__ = "services"

    type: Mapped[str] = mapped_column(_NAME)
    name: Mapped[str | None] = mapped_column(_NAME)
    description: Mapped[str | None] = mapped_column(sa.Text)
    enabled: Mapped[bool] = mapped_column(sa.Boolean)


class Endpoint(_Record, Base):
    __tablename__ = "endpoints"

    service_id: Mapped[str] = mapped_column(_ID, sa.ForeignKey("services.id", ondelete="CASCADE"), index=True)
    region_id: Mapped[str | None] = mapped_column(_NAME, sa.ForeignKey("regions.id"), index=True)
    interface: Mapped[str] = mapped_column(sa.String(8))
    url: Mapped[str] = mapped_column(sa.Text)
    name: Mapped[str | None] = mapped_column(_NAME)
    enabled: Mapped[bool] = mapped_column(sa.Boolean)


class ApplicationCredential(_Record, Base):
    __tablename__ = "application_credentials"
    __table_args__ = (sa.UniqueConstraint("user_id", "name", name="uniq_application_credentials0user_id0name"),)

    user_id: Mapped[str] = mapped_column(_ID, sa.ForeignKey("users.id", ondelete="CASCADE"))
    project_id: Mapped[str] = mapped_column(_ID, sa.ForeignKey("projects.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(_NAME)
    description: Mapped[str | None] = mapped_column(sa.Text)
    secret_hash: Mapped[str] = mapped_column(sa.String(128))
    role_ids: Mapped[list[str]] = mapped_column(Json, nullable=False)
    expires_at: Mapped[datetime | None] = mapped_column(Moment)
    unrestricted: Mapped[bool] = mapped_column(sa.Boolean)
    created_at: Mapped[datetime | None] = mapped_column(Moment)


class Credential(_Record, Base):
    __tablename__ = "credentials"

    user_id: Mapped[str] = mapped_column(_ID, sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    project_id: Mapped[str | None] = mapped_column(_ID, index=True)
    type: Mapped[str] = mapped_column(_NAME)
    blob: Mapped[str] = mapped_column(Json, nullable=False)


class Revocation(Base):
    """A token (by its audit id), or all tokens of a user issued until a moment."""

    __tablename__ = "revocations"

    id: Mapped[int] = mapped_column(sa.Integer, primary_key=True, autoincrement=True)
    audit_id: Mapped[str | None] = mapped_column(sa.String(32), index=True)
    user_id: Mapped[str | None] = mapped_column(_ID, index=True)
    issued_before: Mapped[datetime | None] = mapped_column(Moment)
    #: When all tokens it concerns have ended and the row can go.
    expires_at: Mapped[datetime] = mapped_column(Moment, index=True)
