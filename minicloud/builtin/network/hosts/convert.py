# SPDX-License-Identifier: Apache-2.0
"""Rows of the books as what an agent is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from minicloud.builtin.network.entities import (
    Address,
    FloatingIp,
    Network,
    Port,
    Router,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
)
from minicloud.objects.host_network import (
    AddressPair,
    DhcpOption,
    HostAddress,
    HostFloatingIp,
    HostNetwork,
    HostPort,
    HostRoute,
    HostRouter,
    HostRule,
    HostSecurityGroup,
    HostSubnet,
    Peer,
)


def routes(rows: Sequence[Mapping[str, str]]) -> tuple[HostRoute, ...]:
    return tuple(HostRoute(destination=each["destination"], nexthop=each["nexthop"]) for each in rows)


def subnet(row: Subnet) -> HostSubnet:
    return HostSubnet(
        id=row.id,
        ip_version=row.ip_version,
        cidr=row.cidr,
        gateway_ip=row.gateway_ip,
        enable_dhcp=row.enable_dhcp,
        dns_nameservers=tuple(row.dns_nameservers),
        host_routes=routes(row.host_routes),
        ipv6_address_mode=row.ipv6_address_mode,
        ipv6_ra_mode=row.ipv6_ra_mode,
    )


def port(
    row: Port, held: Sequence[Address], subnets: Mapping[str, Subnet], groups: Sequence[str], host: str
) -> HostPort:
    """
    :param subnets: those of the port's network, by id
    :param groups: ids of its security groups
    :param host: where it is, also if it is bound to none
    """
    return HostPort(
        id=row.id,
        network_id=row.network_id,
        mac_address=row.mac_address,
        host=host,
        status=row.status,
        addresses=tuple(_address(each, subnets[each.subnet_id]) for each in held),
        device_id=row.device_id,
        device_owner=row.device_owner,
        project_id=row.project_id,
        dns_name=row.dns_name,
        admin_state_up=row.admin_state_up,
        port_security_enabled=row.port_security_enabled,
        security_groups=tuple(groups),
        allowed_address_pairs=tuple(
            AddressPair(ip_address=each["ip_address"], mac_address=each.get("mac_address") or row.mac_address)
            for each in row.allowed_address_pairs
        ),
        dhcp_options=tuple(
            DhcpOption(name=each["opt_name"], value=each["opt_value"], version=int(each.get("ip_version") or 4))
            for each in row.extra_dhcp_opts
            if each.get("opt_value") is not None
        ),
    )


def _address(row: Address, of: Subnet) -> HostAddress:
    return HostAddress(subnet_id=row.subnet_id, address=row.address, prefix=int(of.cidr.partition("/")[2]))


def network(
    row: Network,
    subnets: Sequence[Subnet],
    ports: Sequence[HostPort],
    peers: Sequence[Peer],
    *,
    domain: str,
    dhcp_port: HostPort | None,
) -> HostNetwork:
    """
    :param domain: of the names of its ports, if it has none of its own
    """
    return HostNetwork(
        id=row.id,
        name=row.name,
        project_id=row.project_id,
        mtu=row.mtu,
        segment=row.provider_segmentation_id if row.provider_network_type == "vxlan" else None,
        is_external=row.router_external,
        physical_network=row.provider_physical_network,
        dns_domain=(row.dns_domain or domain).rstrip("."),
        subnets=tuple(subnet(each) for each in subnets),
        ports=tuple(ports),
        peers=tuple(peers),
        dhcp_port=dhcp_port,
    )


def router(row: Router, ports: Sequence[HostPort], floating: Sequence[FloatingIp]) -> HostRouter:
    """
    :param ports: of the router: its gateway's and its interfaces'
    :param floating: the floating addresses that it carries
    """
    return HostRouter(
        id=row.id,
        name=row.name,
        project_id=row.project_id,
        admin_state_up=row.admin_state_up,
        interfaces=tuple(each for each in ports if each.id != row.gateway_port_id),
        gateway=next((each for each in ports if each.id == row.gateway_port_id), None),
        enable_snat=row.enable_snat,
        routes=routes(row.routes),
        status=row.status,
        floating_ips=tuple(
            HostFloatingIp(
                id=each.id,
                address=each.floating_ip_address,
                fixed_address=each.fixed_ip_address,
                port_id=str(each.port_id),
                status=each.status,
            )
            for each in floating
            if each.fixed_ip_address is not None
        ),
    )


def security_group(row: SecurityGroup, rules: Sequence[SecurityGroupRule]) -> HostSecurityGroup:
    shared = HostRule.__struct_fields__
    return HostSecurityGroup(
        id=row.id,
        stateful=row.stateful,
        rules=tuple(HostRule(**{name: getattr(rule, name) for name in shared}) for rule in rules),
    )
