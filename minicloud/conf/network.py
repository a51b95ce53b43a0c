# SPDX-License-Identifier: Apache-2.0
"""The built-in network service."""

from __future__ import annotations

from oslo_config import cfg, types

GROUP = cfg.OptGroup("network", title="Built-in network service")

#: Resource -> how many a project may have by default.
QUOTAS = {
    "network": 100,
    "subnet": 100,
    "port": 500,
    "router": 10,
    "floatingip": 50,
    "security_group": 10,
    "security_group_rule": 100,
}


def _quota(resource: str, default: int) -> cfg.Opt:
    return cfg.IntOpt(
        f"quota_{resource}",
        default=default,
        min=-1,
        help=f"How many {resource.replace('_', ' ')}s a project may have, unless a quota of its own is set "
        "with the quotas API. -1 means any number.",
    )


OPTS = [
    cfg.StrOpt(
        "driver",
        default="auto",
        help="How ports become real on hosts, as module.Class under minicloud.builtin.network.drivers. "
        "agent.AgentDriver has an agent on each host make bridges, tunnels, DHCP, routers and security groups with "
        "the kernel's own means, and needs root there. books.BooksDriver plugs nothing: it hands out addresses and "
        "reports bound ports as ACTIVE. auto is agent.AgentDriver when compute_driver is libvirt.LibvirtDriver or "
        "docker.DockerDriver and this process is root, else books.BooksDriver. In a cloud of many processes name "
        "the driver, alike in the configuration of all of them, since not each of them knows of the hosts' drivers.",
    ),
    cfg.StrOpt(
        "public_cidr",
        default="172.24.4.0/24",
        help="Subnet of the external network 'public' that the first start makes; floating addresses come from it.",
    ),
    cfg.StrOpt(
        "private_cidr",
        default="192.168.233.0/24",
        help="Subnet of the network 'private' that the first start makes for the demo project.",
    ),
    cfg.StrOpt(
        "auto_cidr",
        default="10.123.0.0/20",
        help="Subnet of a project's auto-allocated network: what servers get that are made with networks = auto "
        "in a project without networks. Each project has its own, so that they may be alike.",
    ),
    cfg.IntOpt("mtu", default=1500, min=68, max=65535, help="MTU in bytes of networks made without one."),
    cfg.StrOpt(
        "dns_domain",
        default="cloud.local.",
        help="Domain of the names in a port's dns_assignment, with the dot at its end.",
    ),
    cfg.StrOpt("availability_zone", default="nova", help="Name of the one availability zone of networks and routers."),
    cfg.HostAddressOpt(
        "tunnel_ip",
        default=None,
        help="Address of this host by which the agents of other hosts reach it: VXLAN tunnels of the networks end "
        "here. Without it networks do not leave the host, which is all that a cloud of one host needs. What comes "
        "from it is believed, so it should be on a network that only hosts are on.",
    ),
    cfg.PortOpt("vxlan_port", default=4789, help="UDP port of the tunnels; alike on all hosts."),
    cfg.StrOpt(
        "runtime_dir",
        default="/run/minicloud-network",
        help="Where an agent keeps the files of its DHCP servers. They lose their meaning when the machine starts "
        "anew, and dnsmasq, which is not root, must be able to read them: so they are not in the state directory.",
    ),
    cfg.IntOpt(
        "dhcp_lease_duration",
        default=86400,
        min=120,
        help="Seconds for which a guest's address is promised to it; it asks again after half of them.",
    ),
    cfg.ListOpt(
        "dns_servers",
        default=[],
        item_type=types.IPAddress(),
        help="Addresses of the name servers that guests' questions are passed on to, of networks whose subnets name "
        "none. By default those in this host's /etc/resolv.conf, except its own at 127.*.",
    ),
    cfg.BoolOpt(
        "masquerade_public",
        default=False,
        help="Whether what comes from external networks may go on from this host to the world, by the host's own "
        "address: then guests reach the internet. It adds a table of nftables, minicloud_public, and needs a host "
        "that forwards (sysctl net.ipv4.ip_forward=1), which is not turned on by itself. Not for networks that are "
        "behind a network card of the host, see physical_interfaces.",
    ),
    cfg.IntOpt(
        "agent_resync_interval",
        default=60,
        min=1,
        help="Seconds between two passes of an agent over its host while nothing changes, to mend what somebody "
        "else has broken. Changes are made at once.",
    ),
    cfg.DictOpt(
        "physical_interfaces",
        default={},
        help="What connects flat networks to the world: name of a physical network (provider:physical_network), "
        "colon, network interface of this host, such as public:eth1. The interface becomes a port of the network's "
        "bridge, so it must carry no address of the host's own. Without an entry for it an external network ends at "
        "this host, which then has its gateway's address and so reaches floating addresses.",
    ),
    *(_quota(resource, default) for resource, default in QUOTAS.items()),
]
