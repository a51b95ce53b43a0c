# SPDX-License-Identifier: Apache-2.0
"""Tables of the network database; the columns are the fields of the entities."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from minicloud.db.session import Json, Moment

_ID = sa.String(36)
_PROJECT = sa.String(64)
_TEXT = sa.String(255)
_ADDRESS = sa.String(45)


class Base(DeclarativeBase):
    """All tables of this database."""


class _Standard:
    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    project_id: Mapped[str] = mapped_column(_PROJECT, index=True)
    name: Mapped[str] = mapped_column(_TEXT)
    description: Mapped[str] = mapped_column(_TEXT)
    revision_number: Mapped[int] = mapped_column(sa.Integer)
    created_at: Mapped[datetime] = mapped_column(Moment)
    updated_at: Mapped[datetime] = mapped_column(Moment)


def _owner(column: str, *, nullable: bool = False, cascade: bool = False) -> Any:
    return mapped_column(
        _ID,
        sa.ForeignKey(column, ondelete="CASCADE" if cascade else None),
        nullable=nullable,
        index=True,
    )


class Network(_Standard, Base):
    __tablename__ = "networks"

    admin_state_up: Mapped[bool] = mapped_column(sa.Boolean)
    shared: Mapped[bool] = mapped_column(sa.Boolean)
    router_external: Mapped[bool] = mapped_column(sa.Boolean)
    is_default: Mapped[bool] = mapped_column(sa.Boolean)
    mtu: Mapped[int] = mapped_column(sa.Integer)
    port_security_enabled: Mapped[bool] = mapped_column(sa.Boolean)
    provider_network_type: Mapped[str | None] = mapped_column(sa.String(32))
    provider_physical_network: Mapped[str | None] = mapped_column(sa.String(64))
    provider_segmentation_id: Mapped[int | None] = mapped_column(sa.Integer)
    dns_domain: Mapped[str] = mapped_column(_TEXT)
    availability_zone_hints: Mapped[list[str]] = mapped_column(Json)
    auto_of: Mapped[str | None] = mapped_column(_PROJECT, unique=True)


class Subnet(_Standard, Base):
    __tablename__ = "subnets"

    network_id: Mapped[str] = _owner("networks.id", cascade=True)
    ip_version: Mapped[int] = mapped_column(sa.Integer)
    cidr: Mapped[str] = mapped_column(sa.String(49))
    gateway_ip: Mapped[str | None] = mapped_column(_ADDRESS)
    enable_dhcp: Mapped[bool] = mapped_column(sa.Boolean)
    allocation_pools: Mapped[list[dict[str, str]]] = mapped_column(Json)
    dns_nameservers: Mapped[list[str]] = mapped_column(Json)
    host_routes: Mapped[list[dict[str, str]]] = mapped_column(Json)
    ipv6_address_mode: Mapped[str | None] = mapped_column(sa.String(16))
    ipv6_ra_mode: Mapped[str | None] = mapped_column(sa.String(16))


class Port(_Standard, Base):
    __tablename__ = "ports"
    __table_args__ = (
        sa.UniqueConstraint("network_id", "mac_address", name="uniq_ports_network_mac"),
        sa.Index("ix_ports_device_id", "device_id"),
    )

    network_id: Mapped[str] = mapped_column(_ID, sa.ForeignKey("networks.id"))
    mac_address: Mapped[str] = mapped_column(sa.String(17))
    admin_state_up: Mapped[bool] = mapped_column(sa.Boolean)
    status: Mapped[str] = mapped_column(sa.String(16))
    device_id: Mapped[str] = mapped_column(_TEXT)
    device_owner: Mapped[str] = mapped_column(_TEXT)
    device_order: Mapped[int] = mapped_column(sa.Integer)
    device_tag: Mapped[str | None] = mapped_column(sa.String(60))
    made_by_compute: Mapped[bool] = mapped_column(sa.Boolean)
    binding_host_id: Mapped[str] = mapped_column(_TEXT, index=True)
    binding_vif_type: Mapped[str] = mapped_column(sa.String(64))
    binding_vnic_type: Mapped[str] = mapped_column(sa.String(64))
    binding_profile: Mapped[dict[str, Any]] = mapped_column(Json)
    port_security_enabled: Mapped[bool] = mapped_column(sa.Boolean)
    dns_name: Mapped[str] = mapped_column(_TEXT)
    extra_dhcp_opts: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    allowed_address_pairs: Mapped[list[dict[str, str]]] = mapped_column(Json)


class Address(Base):
    """One fixed address; the primary key is what makes handing out addresses safe."""

    __tablename__ = "addresses"

    subnet_id: Mapped[str] = mapped_column(_ID, sa.ForeignKey("subnets.id", ondelete="CASCADE"), primary_key=True)
    #: The address as 32 hexadecimal digits, so that the database can order both families.
    position: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    address: Mapped[str] = mapped_column(_ADDRESS, index=True)
    port_id: Mapped[str] = _owner("ports.id", cascade=True)


class PortSecurityGroup(Base):
    __tablename__ = "port_security_groups"

    port_id: Mapped[str] = mapped_column(_ID, sa.ForeignKey("ports.id", ondelete="CASCADE"), primary_key=True)
    security_group_id: Mapped[str] = mapped_column(
        _ID, sa.ForeignKey("security_groups.id"), primary_key=True, index=True
    )


class Binding(Base):
    __tablename__ = "port_bindings"

    port_id: Mapped[str] = mapped_column(_ID, sa.ForeignKey("ports.id", ondelete="CASCADE"), primary_key=True)
    host: Mapped[str] = mapped_column(_TEXT, primary_key=True)
    vnic_type: Mapped[str] = mapped_column(sa.String(64))
    profile: Mapped[dict[str, Any]] = mapped_column(Json)


class Router(_Standard, Base):
    __tablename__ = "routers"

    admin_state_up: Mapped[bool] = mapped_column(sa.Boolean)
    status: Mapped[str] = mapped_column(sa.String(16))
    gateway_port_id: Mapped[str | None] = _owner("ports.id", nullable=True)
    gateway_network_id: Mapped[str | None] = mapped_column(_ID)
    enable_snat: Mapped[bool] = mapped_column(sa.Boolean)
    routes: Mapped[list[dict[str, str]]] = mapped_column(Json)
    distributed: Mapped[bool] = mapped_column(sa.Boolean)
    ha: Mapped[bool] = mapped_column(sa.Boolean)
    availability_zone_hints: Mapped[list[str]] = mapped_column(Json)


class FloatingIp(_Standard, Base):
    __tablename__ = "floating_ips"
    __table_args__ = (
        sa.UniqueConstraint(
            "floating_network_id", "port_id", "fixed_ip_address", name="uniq_floating_ips_network_port_address"
        ),
    )

    floating_network_id: Mapped[str] = mapped_column(_ID)
    floating_ip_address: Mapped[str] = mapped_column(_ADDRESS, index=True)
    floating_port_id: Mapped[str] = _owner("ports.id")
    port_id: Mapped[str | None] = _owner("ports.id", nullable=True)
    fixed_ip_address: Mapped[str | None] = mapped_column(_ADDRESS)
    router_id: Mapped[str | None] = mapped_column(_ID, index=True)
    status: Mapped[str] = mapped_column(sa.String(16))
    dns_name: Mapped[str] = mapped_column(_TEXT)
    dns_domain: Mapped[str] = mapped_column(_TEXT)


class SecurityGroup(_Standard, Base):
    __tablename__ = "security_groups"

    stateful: Mapped[bool] = mapped_column(sa.Boolean)
    default_of: Mapped[str | None] = mapped_column(_PROJECT, unique=True)


class SecurityGroupRule(_Standard, Base):
    __tablename__ = "security_group_rules"

    security_group_id: Mapped[str] = _owner("security_groups.id", cascade=True)
    direction: Mapped[str] = mapped_column(sa.String(8))
    ethertype: Mapped[str] = mapped_column(sa.String(8))
    protocol: Mapped[str | None] = mapped_column(sa.String(40))
    port_range_min: Mapped[int | None] = mapped_column(sa.Integer)
    port_range_max: Mapped[int | None] = mapped_column(sa.Integer)
    remote_group_id: Mapped[str | None] = _owner("security_groups.id", nullable=True, cascade=True)
    remote_ip_prefix: Mapped[str | None] = mapped_column(sa.String(49))


class Agent(Base):
    __tablename__ = "agents"

    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    host: Mapped[str] = mapped_column(_TEXT, unique=True)
    tunnel_ip: Mapped[str] = mapped_column(_ADDRESS)
    problems: Mapped[dict[str, str]] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(Moment)
    started_at: Mapped[datetime] = mapped_column(Moment)
    heartbeat_at: Mapped[datetime] = mapped_column(Moment)


class Tag(Base):
    __tablename__ = "tags"

    resource_id: Mapped[str] = mapped_column(_ID, primary_key=True)
    tag: Mapped[str] = mapped_column(_TEXT, primary_key=True)


class Quota(Base):
    __tablename__ = "quotas"

    project_id: Mapped[str] = mapped_column(_PROJECT, primary_key=True)
    resource: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    limit: Mapped[int] = mapped_column(sa.Integer)
