# SPDX-License-Identifier: Apache-2.0
"""The part of the agent that has DHCP servers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from oslo_config import cfg

from minicloud.builtin.network.agent import iproute, privileged
from minicloud.builtin.network.agent.dhcp import config, subnets, tables
from minicloud.builtin.network.agent.dhcp.config import Files
from minicloud.builtin.network.agent.dhcp.process import Dnsmasq
from minicloud.builtin.network.agent.iproute import Command, Link
from minicloud.builtin.network.agent.links import cables
from minicloud.builtin.network.agent.part import Part
from minicloud.builtin.network.agent.privileged import CommandFailed
from minicloud.objects.host_network import HostNetwork, HostState

_OURS = re.compile(r"mcdhcp-([0-9a-f-]{36})")
_RESOLV = Path("/etc/resolv.conf")


class Dhcp(Part):
    name: ClassVar[str] = "dhcp"

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._folder = Path(conf.network.runtime_dir) / "dhcp"
        self._lease: int = conf.network.dhcp_lease_duration
        self._servers: list[str] = list(conf.network.dns_servers)
        #: Those that are to run, of the last pass.
        self._running: list[Dnsmasq] = []

    def apply(self, state: HostState) -> None:
        wanted = {each.dhcp_namespace: each for each in state.networks if each.dhcp_port and subnets.served(each)}
        present, outside = _present(), iproute.links()
        failures = []
        self._running = []
        for namespace, network in wanted.items():
            try:
                self._serve(network, namespace in present, outside)
            except CommandFailed as error:
                failures.append(f"network {network.id}: {error}")
        for namespace in present - set(wanted):
            self.remove(namespace)
        if failures:
            raise CommandFailed("; ".join(failures))

    def clean(self) -> None:
        for namespace in _present():
            self.remove(namespace)
        privileged.run(["rm", "-rf", "--", str(self._folder)])

    def is_well(self) -> bool:
        return all(server.pid is not None for server in self._running)

    def _serve(self, network: HostNetwork, is_there: bool, outside: Mapping[str, Link]) -> None:
        assert network.dhcp_port is not None
        namespace = network.dhcp_namespace
        if not is_there:
            iproute.add_namespace(namespace)
            # It learns nothing from advertisements: its routes are made here.
            privileged.write("/proc/sys/net/ipv6/conf/default/accept_ra", "0", namespace)
        held = [f"{address.address}/{address.prefix}" for _subnet, address in subnets.served(network)]
        held.append(subnets.METADATA)
        cables.plug(network.dhcp_port, network.bridge, network.mtu, namespace, held, outside, is_only=True)
        iproute.run(_routes(network), namespace)
        server = self._server(network.id)
        server.apply(
            config.text(network, server.files, self._servers or host_servers(_RESOLV), self._lease),
            {
                server.files.hosts: tables.hosts(network),
                server.files.options: tables.options(network),
                server.files.names: tables.names(network),
            },
        )
        self._running.append(server)

    def remove(self, namespace: str) -> None:
        """Remove one that is not wanted any more, with the programs in it."""
        match = _OURS.fullmatch(namespace)
        assert match is not None
        self._server(match[1]).remove()
        iproute.delete_namespace(namespace, cables="mci")

    def _server(self, network_id: str) -> Dnsmasq:
        return Dnsmasq(Files(folder=self._folder / network_id), f"mcdhcp-{network_id}")


def host_servers(resolv: Path) -> list[str]:
    """The host's name servers; not those that listen on the host's own loopback, which is not a namespace's."""
    try:
        words = [line.split() for line in resolv.read_text().splitlines()]
    except OSError:
        return []
    found = [line[1] for line in words if len(line) > 1 and line[0] == "nameserver"]
    return [each for each in found if not each.startswith("127.") and each != "::1"]


def _present() -> set[str]:
    return {name for name in iproute.namespaces() if _OURS.fullmatch(name)}


def _routes(network: HostNetwork) -> Sequence[Command]:
    """The way to name servers outside: by the first subnet's gateway."""
    assert network.dhcp_port is not None
    for subnet, _address in subnets.served(network):
        if subnet.ip_version == 4 and subnet.gateway_ip:
            route = ("route", "replace", "default", "via", subnet.gateway_ip, "dev", network.dhcp_port.inner)
            return [route]
    return []
