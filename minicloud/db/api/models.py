# SPDX-License-Identifier: Apache-2.0
"""The tables of the API database: what all cells share."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from minicloud.db.session import Json, Moment, Typed
from minicloud.objects import BuildRequest, Decision, RequestSpec

METADATA = sa.MetaData()


def _text(name: str, length: int = 255, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.String(length), **options)


flavors = sa.Table(
    "flavors",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    _text("flavorid", nullable=False, unique=True),
    _text("name", nullable=False, unique=True),
    sa.Column("vcpus", sa.Integer, nullable=False),
    sa.Column("memory_mb", sa.Integer, nullable=False),
    sa.Column("root_gb", sa.Integer, nullable=False),
    sa.Column("ephemeral_gb", sa.Integer, nullable=False),
    sa.Column("swap", sa.Integer, nullable=False),
    sa.Column("rxtx_factor", sa.Float, nullable=False),
    sa.Column("disabled", sa.Boolean, nullable=False),
    sa.Column("is_public", sa.Boolean, nullable=False),
    sa.Column("description", sa.Text),
    sa.Column("extra_specs", Json, nullable=False),
    sa.Column("projects", Typed(tuple[str, ...]), nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment),
)

key_pairs = sa.Table(
    "key_pairs",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    _text("user_id", 64, nullable=False),
    _text("name", nullable=False),
    _text("type", 8, nullable=False),
    _text("fingerprint", nullable=False),
    sa.Column("public_key", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.UniqueConstraint("user_id", "name", name="uq_key_pairs_user_name"),
)

aggregates = sa.Table(
    "aggregates",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    _text("uuid", 36, nullable=False, unique=True),
    _text("name", nullable=False, unique=True),
    sa.Column("hosts", Typed(tuple[str, ...]), nullable=False),
    sa.Column("metadata", Json, nullable=False, key="metadata_"),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment),
)

server_groups = sa.Table(
    "server_groups",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    _text("uuid", 36, nullable=False, unique=True),
    _text("name", nullable=False),
    _text("project_id", 64, nullable=False, index=True),
    _text("user_id", 64, nullable=False),
    _text("policy", 32, nullable=False),
    sa.Column("rules", Json, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
)

server_group_members = sa.Table(
    "server_group_members",
    METADATA,
    _text("group_uuid", 36, primary_key=True),
    _text("instance_uuid", 36, primary_key=True),
    sa.Index("ix_server_group_members_instance", "instance_uuid"),
)

quotas = sa.Table(
    "quotas",
    METADATA,
    _text("project_id", 64, primary_key=True),
    # Empty for the project itself.
    _text("user_id", 64, primary_key=True),
    _text("resource", 64, primary_key=True),
    sa.Column("hard_limit", sa.Integer, nullable=False),
)

quota_classes = sa.Table(
    "quota_classes",
    METADATA,
    _text("class_name", 64, primary_key=True),
    _text("resource", 64, primary_key=True),
    sa.Column("hard_limit", sa.Integer, nullable=False),
)

cell_mappings = sa.Table(
    "cell_mappings",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    _text("uuid", 36, nullable=False, unique=True),
    _text("name", nullable=False),
    sa.Column("transport_url", sa.Text, nullable=False),
    sa.Column("database_url", sa.Text, nullable=False),
    sa.Column("disabled", sa.Boolean, nullable=False),
)

host_mappings = sa.Table(
    "host_mappings",
    METADATA,
    _text("host", primary_key=True),
    _text("cell_uuid", 36, nullable=False, index=True),
)

#: One row per server from its acceptance to its end: where it is, and what quota counts.
instance_mappings = sa.Table(
    "instance_mappings",
    METADATA,
    _text("instance_uuid", 36, primary_key=True),
    _text("cell_uuid", 36),
    _text("project_id", 64, nullable=False),
    _text("user_id", 64, nullable=False),
    sa.Column("vcpus", sa.Integer, nullable=False),
    sa.Column("memory_mb", sa.Integer, nullable=False),
    # Deleted, or about to be: no longer counted.
    sa.Column("queued_for_delete", sa.Boolean, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Index("ix_instance_mappings_quota", "project_id", "queued_for_delete", "vcpus", "memory_mb"),
)

build_requests = sa.Table(
    "build_requests",
    METADATA,
    _text("instance_uuid", 36, primary_key=True),
    _text("project_id", 64, nullable=False, index=True),
    sa.Column("request", Typed(BuildRequest), nullable=False),
    _text("request_id", 64, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
)

request_specs = sa.Table(
    "request_specs",
    METADATA,
    _text("instance_uuid", 36, primary_key=True),
    sa.Column("spec", Typed(RequestSpec), nullable=False),
)

decisions = sa.Table(
    "decisions",
    METADATA,
    _text("instance_uuid", 36, primary_key=True),
    sa.Column("attempt", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("decision", Typed(Decision), nullable=False),
    sa.Column("created_at", Moment, nullable=False),
)

resource_providers = sa.Table(
    "resource_providers",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    _text("uuid", 36, nullable=False, unique=True),
    _text("name", 200, nullable=False, unique=True),
    _text("host", nullable=False, index=True),
    _text("cell_uuid", 36, nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("traits", Typed(tuple[str, ...]), nullable=False),
)

inventories = sa.Table(
    "inventories",
    METADATA,
    _text("provider_uuid", 36, primary_key=True),
    _text("resource_class", primary_key=True),
    sa.Column("total", sa.Integer, nullable=False),
    sa.Column("reserved", sa.Integer, nullable=False),
    sa.Column("allocation_ratio", sa.Float, nullable=False),
)

allocations = sa.Table(
    "allocations",
    METADATA,
    _text("consumer_uuid", 36, primary_key=True),
    _text("provider_uuid", 36, primary_key=True),
    _text("resource_class", primary_key=True),
    sa.Column("used", sa.Integer, nullable=False),
    _text("project_id", 64, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Index("ix_allocations_provider", "provider_uuid", "resource_class", "used"),
)
