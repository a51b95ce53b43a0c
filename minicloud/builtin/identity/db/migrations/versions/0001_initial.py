# SPDX-License-Identifier: Apache-2.0
"""The first schema of the identity database."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from minicloud.db.session import Json, Moment

revision = "0001"
down_revision = None

_ID = sa.String(64)
_NAME = sa.String(255)


def upgrade() -> None:
    _domains_and_projects()
    _users_and_groups()
    _roles()
    _catalog()
    _credentials()


def _record(type_: sa.String = _ID) -> tuple[sa.Column[str], sa.Column[object]]:
    return sa.Column("id", type_, primary_key=True), sa.Column("extra", Json, nullable=False)


def _domains_and_projects() -> None:
    op.create_table(
        "domains",
        *_record(),
        sa.Column("name", _NAME, nullable=False, unique=True),
        sa.Column("description", sa.Text),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("tags", Json, nullable=False),
        sa.Column("options", Json, nullable=False),
    )
    op.create_table(
        "projects",
        *_record(),
        sa.Column("domain_id", _ID, sa.ForeignKey("domains.id"), nullable=False),
        sa.Column("name", _NAME, nullable=False),
        sa.Column("parent_id", _ID, sa.ForeignKey("projects.id"), index=True),
        sa.Column("description", sa.Text),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("tags", Json, nullable=False),
        sa.Column("options", Json, nullable=False),
        sa.UniqueConstraint("domain_id", "name", name="uniq_projects0domain_id0name"),
    )


def _users_and_groups() -> None:
    op.create_table(
        "users",
        *_record(),
        sa.Column("domain_id", _ID, sa.ForeignKey("domains.id"), nullable=False),
        sa.Column("name", _NAME, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("default_project_id", _ID),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("options", Json, nullable=False),
        sa.Column("password_hash", sa.String(128)),
        sa.Column("created_at", Moment),
        sa.UniqueConstraint("domain_id", "name", name="uniq_users0domain_id0name"),
    )
    op.create_table(
        "user_groups",
        *_record(),
        sa.Column("domain_id", _ID, sa.ForeignKey("domains.id"), nullable=False),
        sa.Column("name", _NAME, nullable=False),
        sa.Column("description", sa.Text),
        sa.UniqueConstraint("domain_id", "name", name="uniq_groups0domain_id0name"),
    )
    op.create_table(
        "memberships",
        sa.Column("group_id", _ID, sa.ForeignKey("user_groups.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("user_id", _ID, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True),
    )


def _roles() -> None:
    op.create_table(
        "roles",
        *_record(),
        sa.Column("name", _NAME, nullable=False),
        sa.Column("domain_id", _ID, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("options", Json, nullable=False),
        sa.UniqueConstraint("name", "domain_id", name="uniq_roles0name0domain_id"),
    )
    op.create_table(
        "implied_roles",
        sa.Column("prior_id", _ID, sa.ForeignKey("roles.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("implied_id", _ID, sa.ForeignKey("roles.id", ondelete="CASCADE"), primary_key=True, index=True),
    )
    op.create_table(
        "assignments",
        sa.Column("actor_type", sa.String(8), primary_key=True),
        sa.Column("actor_id", _ID, primary_key=True),
        sa.Column("target_type", sa.String(8), primary_key=True),
        sa.Column("target_id", _ID, primary_key=True, index=True),
        sa.Column("role_id", _ID, sa.ForeignKey("roles.id", ondelete="CASCADE"), primary_key=True, index=True),
    )


def _catalog() -> None:
    op.create_table(
        "regions",
        *_record(_NAME),
        sa.Column("description", sa.Text),
        sa.Column("parent_region_id", _NAME, sa.ForeignKey("regions.id"), index=True),
    )
    op.create_table(
        "services",
        *_record(),
        sa.Column("type", _NAME, nullable=False),
        sa.Column("name", _NAME),
        sa.Column("description", sa.Text),
        sa.Column("enabled", sa.Boolean, nullable=False),
    )
    op.create_table(
        "endpoints",
        *_record(),
        sa.Column("service_id", _ID, sa.ForeignKey("services.id", ondelete="CASCADE"), nullable=False, index=True),
        sa.Column("region_id", _NAME, sa.ForeignKey("regions.id"), index=True),
        sa.Column("interface", sa.String(8), nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("name", _NAME),
        sa.Column("enabled", sa.Boolean, nullable=False),
    )


def _credentials() -> None:
    op.create_table(
        "application_credentials",
        *_record(),
        sa.Column("user_id", _ID, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("project_id", _ID, sa.ForeignKey("projects.id", ondelete="CASCADE"), nullable=False, index=True),
        sa.Column("name", _NAME, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("secret_hash", sa.String(128), nullable=False),
        sa.Column("role_ids", Json, nullable=False),
        sa.Column("expires_at", Moment),
        sa.Column("unrestricted", sa.Boolean, nullable=False),
        sa.Column("created_at", Moment),
        sa.UniqueConstraint("user_id", "name", name="uniq_application_credentials0user_id0name"),
    )
    op.create_table(
        "credentials",
        *_record(),
        sa.Column("user_id", _ID, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
        sa.Column("project_id", _ID, index=True),
        sa.Column("type", _NAME, nullable=False),
        sa.Column("blob", Json, nullable=False),
    )
    op.create_table(
        "revocations",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("audit_id", sa.String(32), index=True),
        sa.Column("user_id", _ID, index=True),
        sa.Column("issued_before", Moment),
        sa.Column("expires_at", Moment, nullable=False, index=True),
    )
