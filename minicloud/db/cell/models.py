# SPDX-License-Identifier: Apache-2.0
"""The tables of a cell's database (and of cell0's): what its conductor keeps for its computes."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from minicloud.db.session import Json, Moment, Typed
from minicloud.objects import Fault, Flavor, Vif

METADATA = sa.MetaData()


def _text(name: str, length: int = 255, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.String(length), **options)


instances = sa.Table(
    "instances",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    _text("uuid", 36, nullable=False),
    _text("project_id", 64, nullable=False),
    _text("user_id", 64, nullable=False),
    _text("display_name", nullable=False),
    _text("description"),
    _text("hostname", nullable=False),
    _text("reservation_id", 32, nullable=False),
    sa.Column("launch_index", sa.Integer, nullable=False),
    _text("host"),
    _text("node"),
    _text("vm_state", 32, nullable=False),
    _text("task_state", 32),
    sa.Column("power_state", sa.Integer, nullable=False),
    sa.Column("progress", sa.Integer, nullable=False),
    sa.Column("flavor", Typed(Flavor, common=True), nullable=False),
    # Of the flavor, for filters.
    _text("flavorid", nullable=False),
    _text("image_id", 36, nullable=False),
    sa.Column("image_properties", Json, nullable=False),
    _text("kernel_id", 36, nullable=False),
    _text("ramdisk_id", 36, nullable=False),
    _text("root_device_name"),
    _text("availability_zone"),
    _text("pinned_availability_zone"),
    _text("key_name"),
    sa.Column("key_data", sa.Text),
    sa.Column("user_data", sa.Text().with_variant(sa.dialects.mysql.MEDIUMTEXT(), "mysql")),
    sa.Column("config_drive", sa.Boolean, nullable=False),
    sa.Column("auto_disk_config", sa.Boolean, nullable=False),
    _text("access_ip_v4", 39),
    _text("access_ip_v6", 39),
    sa.Column("security_groups", Typed(tuple[str, ...], common=True), nullable=False),
    sa.Column("scheduler_hints", Json, nullable=False),
    sa.Column("trusted_certs", Typed(tuple[str, ...] | None)),
    sa.Column("metadata", Json, nullable=False, key="metadata_"),
    sa.Column("system_metadata", Json, nullable=False),
    sa.Column("network_info", Typed(tuple[Vif, ...]), nullable=False),
    _text("locked_by", 16),
    _text("locked_reason"),
    sa.Column("fault", Typed(Fault)),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment),
    sa.Column("launched_at", Moment),
    sa.Column("terminated_at", Moment),
    sa.Column("deleted_at", Moment),
    sa.Column("deleted", sa.Boolean, nullable=False),
    # When what is going on must be over, or the reconciler ends it.
    sa.Column("task_deadline", Moment),
    sa.UniqueConstraint("uuid", name="uq_instances_uuid"),
    sa.Index("ix_instances_project", "project_id", "deleted", "created_at"),
    sa.Index("ix_instances_host", "host", "deleted"),
    sa.Index("ix_instances_listing", "deleted", "created_at", "id"),
    sa.Index("ix_instances_deadline", "task_deadline"),
)

instance_tags = sa.Table(
    "instance_tags",
    METADATA,
    _text("instance_uuid", 36, primary_key=True),
    _text("tag", 60, primary_key=True),
    sa.Index("ix_instance_tags_tag", "tag"),
)

instance_actions = sa.Table(
    "instance_actions",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    _text("instance_uuid", 36, nullable=False),
    _text("action", nullable=False),
    _text("request_id", 64, nullable=False),
    _text("user_id", 64),
    _text("project_id", 64),
    sa.Column("start_time", Moment, nullable=False),
    sa.Column("updated_at", Moment),
    sa.Column("finish_time", Moment),
    _text("message"),
    sa.Index("ix_instance_actions_request", "instance_uuid", "request_id"),
)

instance_action_events = sa.Table(
    "instance_action_events",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("action_id", sa.Integer, nullable=False),
    _text("event", nullable=False),
    sa.Column("start_time", Moment, nullable=False),
    sa.Column("finish_time", Moment),
    _text("result", 32),
    sa.Column("traceback", sa.Text),
    sa.Column("details", sa.Text),
    _text("host"),
    sa.Index("ix_instance_action_events_action", "action_id", "event"),
)

migrations = sa.Table(
    "migrations",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    _text("uuid", 36, nullable=False, unique=True),
    _text("instance_uuid", 36, nullable=False),
    _text("migration_type", 32, nullable=False),
    _text("status", 32, nullable=False),
    _text("source_compute", nullable=False),
    _text("source_node", nullable=False),
    _text("dest_compute", nullable=False),
    _text("dest_node", nullable=False),
    sa.Column("old_flavor", Typed(Flavor), nullable=False),
    sa.Column("new_flavor", Typed(Flavor), nullable=False),
    _text("old_vm_state", 32, nullable=False),
    *(
        sa.Column(f"{what}_{how}", sa.BigInteger, nullable=False, server_default="0")
        for what in ("memory", "disk")
        for how in ("total", "processed", "remaining")
    ),
    _text("user_id", 64),
    _text("project_id", 64),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment),
    sa.Index("ix_migrations_instance", "instance_uuid", "status"),
    sa.Index("ix_migrations_status", "status"),
)

console_auth_tokens = sa.Table(
    "console_auth_tokens",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    _text("token_hash", 64, nullable=False, unique=True),
    _text("instance_uuid", 36, nullable=False),
    _text("console_type", 32, nullable=False),
    _text("compute_host", nullable=False),
    _text("host", nullable=False),
    sa.Column("port", sa.Integer, nullable=False),
    sa.Column("tls_port", sa.Integer),
    _text("internal_access_path"),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Index("ix_console_auth_tokens_instance", "instance_uuid"),
    sa.Index("ix_console_auth_tokens_expiry", "expires_at"),
)

services = sa.Table(
    "services",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    _text("uuid", 36, nullable=False, unique=True),
    _text("host", nullable=False),
    _text("binary", 64, nullable=False),
    _text("topic", nullable=False),
    sa.Column("report_count", sa.Integer, nullable=False),
    sa.Column("disabled", sa.Boolean, nullable=False),
    _text("disabled_reason"),
    sa.Column("forced_down", sa.Boolean, nullable=False),
    sa.Column("last_seen_up", Moment),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment),
    sa.UniqueConstraint("host", "binary", name="uq_services_host_binary"),
)

compute_nodes = sa.Table(
    "compute_nodes",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    _text("uuid", 36, nullable=False, unique=True),
    _text("host", nullable=False),
    _text("hypervisor_hostname", nullable=False),
    sa.Column("service_id", sa.Integer, nullable=False),
    _text("hypervisor_type", 64, nullable=False),
    sa.Column("hypervisor_version", sa.Integer, nullable=False),
    _text("host_ip", 39, nullable=False),
    sa.Column("cpu_info", Json, nullable=False),
    sa.Column("vcpus", sa.Integer, nullable=False),
    sa.Column("memory_mb", sa.Integer, nullable=False),
    sa.Column("local_gb", sa.Integer, nullable=False),
    sa.Column("reserved_vcpus", sa.Integer, nullable=False),
    sa.Column("reserved_memory_mb", sa.Integer, nullable=False),
    sa.Column("reserved_gb", sa.Integer, nullable=False),
    sa.Column("cpu_allocation_ratio", sa.Float, nullable=False),
    sa.Column("ram_allocation_ratio", sa.Float, nullable=False),
    sa.Column("disk_allocation_ratio", sa.Float, nullable=False),
    sa.Column("supported_instances", Typed(tuple[tuple[str, str, str], ...]), nullable=False),
    sa.Column("traits", Typed(tuple[str, ...]), nullable=False),
    sa.Column("stats", Json, nullable=False),
    _text("uptime"),
    sa.Column("failed_builds", sa.Integer, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment),
    sa.UniqueConstraint("host", "hypervisor_hostname", name="uq_compute_nodes_host_node"),
)
