# SPDX-License-Identifier: Apache-2.0
"""A bridge for each network, and the guests' devices in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from oslo_config import cfg
from oslo_log import log as logging

from minicloud.builtin.network.agent import iproute
from minicloud.builtin.network.agent.iproute import Command, Link
from minicloud.builtin.network.agent.part import Part
from minicloud.builtin.network.agent.privileged import CommandFailed
from minicloud.objects.host_network import HostNetwork, HostState

LOG = logging.getLogger(__name__)

_OURS = re.compile(r"mcb[0-9a-f-]{11}")


class Bridges(Part):
    name: ClassVar[str] = "bridges"
    guards: ClassVar[bool] = True

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._interfaces: dict[str, str] = dict(conf.network.physical_interfaces)

    def apply(self, state: HostState) -> None:
        present = iproute.links()
        failures = []
        for network in state.networks:
            try:
                self._network(network, state, present)
            except CommandFailed as error:
                failures.append(f"network {network.id}: {error}")
        iproute.run(_remove(present, {network.bridge for network in state.networks}))
        if failures:
            raise CommandFailed("; ".join(failures))

    def clean(self) -> None:
        present = iproute.links()
        iproute.run([("link", "delete", name) for name in present if _OURS.fullmatch(name)])

    def _network(self, network: HostNetwork, state: HostState, present: Mapping[str, Link]) -> None:
        try:
            iproute.run(self.commands(network, state, present))
        except CommandFailed as error:
            # The compute driver made the bridge, or took a guest's device away, at the same moment.
            LOG.debug("Looking again at network %s: %s", network.id, error)
            iproute.run(self.commands(network, state, iproute.links()))

    def commands(self, network: HostNetwork, state: HostState, present: Mapping[str, Link]) -> list[Command]:
        """What is to be done for one network."""
        found = bridge(network.bridge, network.mtu, present.get(network.bridge))
        interface = self._interfaces.get(network.physical_network or "")
        if interface is not None:
            found += _inside(interface, network.bridge, present)
        for port in state.ports:
            if port.network_id == network.id and port.devname in present:
                found += _inside(port.devname, network.bridge, present)
                wanted = port.admin_state_up
                if present[port.devname].is_up != wanted:
                    found.append(("link", "set", port.devname, "up" if wanted else "down"))
        return found


def bridge(name: str, mtu: int, there: Link | None) -> list[Command]:
    """What makes a bridge that only carries: no spanning tree, no guess at who wants which multicast."""
    if there is None:
        made: Command = ("link", "add", "name", name, "mtu", str(mtu), "type", "bridge")
        return [(*made, "stp_state", "0", "forward_delay", "0", "mcast_snooping", "0"), ("link", "set", name, "up")]
    found: list[Command] = []
    if there.mtu != mtu:
        found.append(("link", "set", name, "mtu", str(mtu)))
    if not there.is_up:
        found.append(("link", "set", name, "up"))
    return found


def _inside(device: str, bridge_name: str, present: Mapping[str, Link]) -> list[Command]:
    """Put a device into a bridge."""
    link = present.get(device)
    if link is None:
        raise CommandFailed(f"there is no network device {device} on this host")
    return [] if link.master == bridge_name else [("link", "set", device, "master", bridge_name)]


def _remove(present: Mapping[str, Link], wanted: set[str]) -> list[Command]:
    """Bridges of networks that have nothing here any more, once the last guest's device is out of them."""
    used = {link.master for link in present.values() if link.name.startswith("tap")}
    return [
        ("link", "delete", name)
        for name in present
        if _OURS.fullmatch(name) and name not in wanted and name not in used
    ]
