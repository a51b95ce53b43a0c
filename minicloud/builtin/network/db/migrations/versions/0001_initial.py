# SPDX-License-Identifier: Apache-2.0
"""The network database as it begins."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from minicloud.db.session import Json, Moment

revision = "0001"
down_revision = None


def _standard() -> tuple[sa.Column[Any], ...]:
    """The columns of every resource."""
    return (
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("project_id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("description", sa.String(255), nullable=False),
        sa.Column("revision_number", sa.Integer(), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("updated_at", Moment, nullable=False),
    )


def _networks() -> None:
    op.create_table(
        "networks",
        *_standard(),
        sa.Column("admin_state_up", sa.Boolean(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("router_external", sa.Boolean(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("mtu", sa.Integer(), nullable=False),
        sa.Column("port_security_enabled", sa.Boolean(), nullable=False),
        sa.Column("provider_network_type", sa.String(length=32), nullable=True),
        sa.Column("provider_physical_network", sa.String(length=64), nullable=True),
        sa.Column("provider_segmentation_id", sa.Integer(), nullable=True),
        sa.Column("dns_domain", sa.String(length=255), nullable=False),
        sa.Column("availability_zone_hints", Json(), nullable=False),
        sa.Column("auto_of", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("auto_of"),
    )
    op.create_index("ix_networks_project_id", "networks", ["project_id"], unique=False)


def _quotas() -> None:
    op.create_table(
        "quotas",
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("resource", sa.String(length=64), nullable=False),
        sa.Column("limit", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "resource"),
    )


def _security_groups() -> None:
    op.create_table(
        "security_groups",
        *_standard(),
        sa.Column("stateful", sa.Boolean(), nullable=False),
        sa.Column("default_of", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("default_of"),
    )
    op.create_index("ix_security_groups_project_id", "security_groups", ["project_id"], unique=False)


def _tags() -> None:
    op.create_table(
        "tags",
        sa.Column("resource_id", sa.String(length=36), nullable=False),
        sa.Column("tag", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("resource_id", "tag"),
    )


def _ports() -> None:
    op.create_table(
        "ports",
        *_standard(),
        sa.Column("network_id", sa.String(length=36), nullable=False),
        sa.Column("mac_address", sa.String(length=17), nullable=False),
        sa.Column("admin_state_up", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("device_id", sa.String(length=255), nullable=False),
        sa.Column("device_owner", sa.String(length=255), nullable=False),
        sa.Column("device_order", sa.Integer(), nullable=False),
        sa.Column("device_tag", sa.String(length=60), nullable=True),
        sa.Column("made_by_compute", sa.Boolean(), nullable=False),
        sa.Column("binding_host_id", sa.String(length=255), nullable=False),
        sa.Column("binding_vif_type", sa.String(length=64), nullable=False),
        sa.Column("binding_vnic_type", sa.String(length=64), nullable=False),
        sa.Column("binding_profile", Json(), nullable=False),
        sa.Column("port_security_enabled", sa.Boolean(), nullable=False),
        sa.Column("dns_name", sa.String(length=255), nullable=False),
        sa.Column("extra_dhcp_opts", Json(), nullable=False),
        sa.Column("allowed_address_pairs", Json(), nullable=False),
        sa.ForeignKeyConstraint(
            ["network_id"],
            ["networks.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("network_id", "mac_address", name="uniq_ports_network_mac"),
    )
    op.create_index("ix_ports_device_id", "ports", ["device_id"], unique=False)
    op.create_index("ix_ports_project_id", "ports", ["project_id"], unique=False)


def _security_group_rules() -> None:
    op.create_table(
        "security_group_rules",
        *_standard(),
        sa.Column("security_group_id", sa.String(length=36), nullable=False),
        sa.Column("direction", sa.String(length=8), nullable=False),
        sa.Column("ethertype", sa.String(length=8), nullable=False),
        sa.Column("protocol", sa.String(length=40), nullable=True),
        sa.Column("port_range_min", sa.Integer(), nullable=True),
        sa.Column("port_range_max", sa.Integer(), nullable=True),
        sa.Column("remote_group_id", sa.String(length=36), nullable=True),
        sa.Column("remote_ip_prefix", sa.String(length=49), nullable=True),
        sa.ForeignKeyConstraint(["remote_group_id"], ["security_groups.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["security_group_id"], ["security_groups.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_security_group_rules_project_id", "security_group_rules", ["project_id"], unique=False)
    op.create_index(
        "ix_security_group_rules_remote_group_id", "security_group_rules", ["remote_group_id"], unique=False
    )
    op.create_index(
        "ix_security_group_rules_security_group_id", "security_group_rules", ["security_group_id"], unique=False
    )


def _subnets() -> None:
    op.create_table(
        "subnets",
        *_standard(),
        sa.Column("network_id", sa.String(length=36), nullable=False),
        sa.Column("ip_version", sa.Integer(), nullable=False),
        sa.Column("cidr", sa.String(length=49), nullable=False),
        sa.Column("gateway_ip", sa.String(length=45), nullable=True),
        sa.Column("enable_dhcp", sa.Boolean(), nullable=False),
        sa.Column("allocation_pools", Json(), nullable=False),
        sa.Column("dns_nameservers", Json(), nullable=False),
        sa.Column("host_routes", Json(), nullable=False),
        sa.Column("ipv6_address_mode", sa.String(length=16), nullable=True),
        sa.Column("ipv6_ra_mode", sa.String(length=16), nullable=True),
        sa.ForeignKeyConstraint(["network_id"], ["networks.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_subnets_network_id", "subnets", ["network_id"], unique=False)
    op.create_index("ix_subnets_project_id", "subnets", ["project_id"], unique=False)


def _addresses() -> None:
    op.create_table(
        "addresses",
        sa.Column("subnet_id", sa.String(length=36), nullable=False),
        sa.Column("position", sa.String(length=32), nullable=False),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("port_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["port_id"], ["ports.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["subnet_id"], ["subnets.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("subnet_id", "position"),
    )
    op.create_index("ix_addresses_address", "addresses", ["address"], unique=False)
    op.create_index("ix_addresses_port_id", "addresses", ["port_id"], unique=False)


def _floating_ips() -> None:
    op.create_table(
        "floating_ips",
        *_standard(),
        sa.Column("floating_network_id", sa.String(length=36), nullable=False),
        sa.Column("floating_ip_address", sa.String(length=45), nullable=False),
        sa.Column("floating_port_id", sa.String(length=36), nullable=False),
        sa.Column("port_id", sa.String(length=36), nullable=True),
        sa.Column("fixed_ip_address", sa.String(length=45), nullable=True),
        sa.Column("router_id", sa.String(length=36), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("dns_name", sa.String(length=255), nullable=False),
        sa.Column("dns_domain", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["floating_port_id"],
            ["ports.id"],
        ),
        sa.ForeignKeyConstraint(
            ["port_id"],
            ["ports.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint(
            "floating_network_id", "port_id", "fixed_ip_address", name="uniq_floating_ips_network_port_address"
        ),
    )
    op.create_index("ix_floating_ips_floating_ip_address", "floating_ips", ["floating_ip_address"], unique=False)
    op.create_index("ix_floating_ips_floating_port_id", "floating_ips", ["floating_port_id"], unique=False)
    op.create_index("ix_floating_ips_port_id", "floating_ips", ["port_id"], unique=False)
    op.create_index("ix_floating_ips_project_id", "floating_ips", ["project_id"], unique=False)
    op.create_index("ix_floating_ips_router_id", "floating_ips", ["router_id"], unique=False)


def _port_bindings() -> None:
    op.create_table(
        "port_bindings",
        sa.Column("port_id", sa.String(length=36), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("vnic_type", sa.String(length=64), nullable=False),
        sa.Column("profile", Json(), nullable=False),
        sa.ForeignKeyConstraint(["port_id"], ["ports.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("port_id", "host"),
    )


def _port_security_groups() -> None:
    op.create_table(
        "port_security_groups",
        sa.Column("port_id", sa.String(length=36), nullable=False),
        sa.Column("security_group_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["port_id"], ["ports.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["security_group_id"],
            ["security_groups.id"],
        ),
        sa.PrimaryKeyConstraint("port_id", "security_group_id"),
    )
    op.create_index(
        "ix_port_security_groups_security_group_id", "port_security_groups", ["security_group_id"], unique=False
    )


def _routers() -> None:
    op.create_table(
        "routers",
        *_standard(),
        sa.Column("admin_state_up", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("gateway_port_id", sa.String(length=36), nullable=True),
        sa.Column("gateway_network_id", sa.String(length=36), nullable=True),
        sa.Column("enable_snat", sa.Boolean(), nullable=False),
        sa.Column("routes", Json(), nullable=False),
        sa.Column("distributed", sa.Boolean(), nullable=False),
        sa.Column("ha", sa.Boolean(), nullable=False),
        sa.Column("availability_zone_hints", Json(), nullable=False),
        sa.ForeignKeyConstraint(
            ["gateway_port_id"],
            ["ports.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_routers_gateway_port_id", "routers", ["gateway_port_id"], unique=False)
    op.create_index("ix_routers_project_id", "routers", ["project_id"], unique=False)


def upgrade() -> None:
    """Parents before children."""
    for table in (
        _networks,
        _quotas,
        _security_groups,
        _tags,
        _ports,
        _security_group_rules,
        _subnets,
        _addresses,
        _floating_ips,
        _port_bindings,
        _port_security_groups,
        _routers,
    ):
        table()
