# SPDX-License-Identifier: Apache-2.0
"""The agent's part that has routers."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import ClassVar

from oslo_config import cfg

from minicloud.builtin.network.agent import iproute, nftables, privileged
from minicloud.builtin.network.agent.dhcp.config import Files
from minicloud.builtin.network.agent.dhcp.process import Dnsmasq
from minicloud.builtin.network.agent.iproute import Link
from minicloud.builtin.network.agent.links import cables
from minicloud.builtin.network.agent.part import Part
from minicloud.builtin.network.agent.privileged import CommandFailed
from minicloud.builtin.network.agent.routers import advertise, announce, routes, ruleset
from minicloud.objects.host_network import HostPort, HostRouter, HostState

_OURS = re.compile(r"mcrouter-([0-9a-f-]{36})")

#: What makes a namespace a router, under /proc/sys/net. Nothing of the host's own is turned.
_SETTINGS = {
    "ipv4/ip_forward": "1",
    "ipv6/conf/all/forwarding": "1",
    # It believes no other router, nor that a packet has to come from where it would send one.
    "ipv6/conf/default/accept_ra": "0",
    "ipv4/conf/all/rp_filter": "0",
    "ipv4/conf/default/rp_filter": "0",
    # An address is claimed only in the network that it is of.
    "ipv4/conf/all/arp_ignore": "1",
    "ipv4/conf/all/arp_announce": "2",
}


class Routers(Part):
    name: ClassVar[str] = "routers"

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._folder = Path(conf.network.runtime_dir) / "routers"
        self._advertising: list[Dnsmasq] = []
        #: Router -> why it is not as it should be; "" if it is. Of the last pass.
        self.problems: dict[str, str] = {}
        self._statuses: dict[str, str] = {}

    def apply(self, state: HostState) -> None:
        wanted = {each.namespace: each for each in state.routers if each.admin_state_up}
        present = _present()
        self._advertising = []
        self.problems = {}
        self._statuses = {}
        for namespace, router in wanted.items():
            problem = self.problems[router.id] = self._try(router, state, namespace in present)
            status = "ERROR" if problem else "ACTIVE"
            self._statuses |= dict.fromkeys([router.id, *(each.id for each in router.floating_ips)], status)
        for namespace in present - set(wanted):
            self.remove(namespace)
        failed = [f"router {key}: {problem}" for key, problem in self.problems.items() if problem]
        if failed:
            raise CommandFailed("; ".join(failed))

    def clean(self) -> None:
        for namespace in _present():
            self.remove(namespace)
        privileged.run(["rm", "-rf", "--", str(self._folder)])

    def statuses(self) -> dict[str, str]:
        return self._statuses

    def is_well(self) -> bool:
        return all(server.pid is not None for server in self._advertising)

    # --- one router ----------------------------------------------------------------------------

    def _try(self, router: HostRouter, state: HostState, is_there: bool) -> str:
        try:
            self._serve(router, state, is_there)
        except (CommandFailed, ValueError) as error:
            return str(error)
        return ""

    def _serve(self, router: HostRouter, state: HostState, is_there: bool) -> None:
        namespace = router.namespace
        if not is_there:
            iproute.add_namespace(namespace)
            for path, value in _SETTINGS.items():
                privileged.write(f"/proc/sys/net/{path}", value, namespace)
        # First the translation: no packet leaves by an address that nobody outside knows.
        nftables.apply([ruleset.table(router)], namespace)
        before = iproute.links(namespace)
        ports = [*router.interfaces, *([router.gateway] if router.gateway else [])]
        kept = {port.inner for port in ports}
        iproute.run([("link", "delete", name) for name in before if name.startswith("mci") and name not in kept],
                    namespace)  # fmt: skip
        for port in ports:
            self._plug(port, router, state, before)
        iproute.run(routes.commands(routes.held(namespace), routes.wanted(router, state)), namespace)
        self._advertise(router, state)

    def _plug(self, port: HostPort, router: HostRouter, state: HostState, before: Mapping[str, Link]) -> None:
        network = state.network(port.network_id)
        if network is None:
            raise CommandFailed(f"port {port.id} is in network {port.network_id}, which is not on this host")
        held = addresses(port, router)
        cables.plug(port, network.bridge, network.mtu, router.namespace, held)
        there = before.get(port.inner)
        _tell(port, router.namespace, set(held) - set(there.addresses if there else ()))

    def _advertise(self, router: HostRouter, state: HostState) -> None:
        server = self._server(router.id)
        config = advertise.text(router, state, server.files)
        if config is None:
            if server.files.folder.exists():
                server.remove()
            return
        server.apply(config, {})
        self._advertising.append(server)

    def remove(self, namespace: str) -> None:
        """Remove one that is not wanted any more, with the programs in it."""
        match = _OURS.fullmatch(namespace)
        assert match is not None
        self._server(match[1]).remove()
        iproute.delete_namespace(namespace, cables="mci")

    def _server(self, router_id: str) -> Dnsmasq:
        return Dnsmasq(Files(folder=self._folder / router_id), f"mcrouter-{router_id}")


def addresses(port: HostPort, router: HostRouter) -> list[str]:
    """What a router's port has: its own addresses, and outside the floating ones too, so that it answers for them."""
    found = [f"{each.address}/{each.prefix}" for each in port.addresses]
    if router.gateway is not None and port.id == router.gateway.id:
        found += [f"{each.address}/32" for each in router.floating_ips]
    return found


def _tell(port: HostPort, namespace: str, new: Iterable[str]) -> None:
    """Neighbours may remember somebody else by these addresses."""
    ipv4 = sorted(each.partition("/")[0] for each in new if ":" not in each)
    if ipv4:
        script = [sys.executable, "-I", "-S", announce.__file__]
        privileged.run([*script, port.inner, port.mac_address, *ipv4], namespace)


def _present() -> set[str]:
    return {name for name in iproute.namespaces() if _OURS.fullmatch(name)}
