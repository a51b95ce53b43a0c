# SPDX-License-Identifier: Apache-2.0
"""Desired states of hosts, made up for tests of the agent's parts."""

from __future__ import annotations

from typing import Any

from minicloud.objects.host_network import HostAddress, HostNetwork, HostPort, HostSubnet

NETWORK = "11111111-2222-4333-8444-555555555555"
SUBNET = "aaaaaaaa-0000-4000-8000-000000000004"
SUBNET6 = "aaaaaaaa-0000-4000-8000-000000000006"
DHCP = "dddddddd-0000-4000-8000-000000000001"
GUEST = "99999999-0000-4000-8000-000000000001"


def address(text: str, subnet: str = SUBNET) -> HostAddress:
    return HostAddress(subnet_id=subnet, address=text, prefix=64 if ":" in text else 24)


def port(key: str, *addresses: HostAddress, **values: Any) -> HostPort:
    shown = {"mac_address": f"fa:16:3e:00:00:{key[-2:]}", "host": "here", "device_owner": "compute:nova", **values}
    return HostPort(id=key, network_id=NETWORK, addresses=addresses, **shown)


def subnet(**values: Any) -> HostSubnet:
    return HostSubnet(**{"id": SUBNET, "ip_version": 4, "cidr": "10.0.0.0/24", "gateway_ip": "10.0.0.1", **values})


def subnet6(**values: Any) -> HostSubnet:
    return HostSubnet(
        **{"id": SUBNET6, "ip_version": 6, "cidr": "2001:db8::/64", "gateway_ip": "2001:db8::1", **values}
    )


def network(*ports: HostPort, **values: Any) -> HostNetwork:
    """With a DHCP server that has the address .2 or ::2 in every subnet."""
    subnets = values.pop("subnets", (subnet(),))
    held = [address("10.0.0.2" if each.ip_version == 4 else "2001:db8::2", each.id) for each in subnets]
    server = port(DHCP, *held, device_owner="network:dhcp")
    shown = {"name": "net", "mtu": 1450, "segment": 7, "dns_domain": "cloud.local", **values}
    return HostNetwork(id=NETWORK, subnets=tuple(subnets), ports=(server, *ports), dhcp_port=server, **shown)
