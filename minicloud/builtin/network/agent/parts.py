# SPDX-License-Identifier: Apache-2.0
"""The parts of the agent, in their order."""

from __future__ import annotations

from collections.abc import Callable

from oslo_config import cfg

from minicloud.builtin.network.agent import privileged
from minicloud.builtin.network.agent.dhcp.part import Dhcp
from minicloud.builtin.network.agent.firewall.part import Firewall
from minicloud.builtin.network.agent.firewall.passage import Passage
from minicloud.builtin.network.agent.links.bridges import Bridges
from minicloud.builtin.network.agent.links.silence import Silence
from minicloud.builtin.network.agent.links.tunnels import Tunnels
from minicloud.builtin.network.agent.metadata.part import Metadata
from minicloud.builtin.network.agent.part import Part
from minicloud.builtin.network.agent.routers.outside import Outside
from minicloud.builtin.network.agent.routers.part import Routers

#: A part -> why it stands where it does. Each class takes the configuration.
_ORDER: tuple[tuple[Callable[[cfg.ConfigOpts], Part], str], ...] = (
    (Bridges, "everything else hangs on the bridges"),
    (Silence, "a bridge that speaks would be heard at once"),
    (Tunnels, "a tunnel is a port of its network's bridge"),
    (Firewall, "nobody sends before it is said what they may"),
    (Passage, "what one firewall lets through, the host's own may not"),
    (Dhcp, "guests that may send already ask for their addresses first"),
    (Metadata, "it listens in the namespaces that DHCP makes"),
    (Routers, "there is somebody to route for"),
    (Outside, "a way to the routers, once they are there"),
)


def make(conf: cfg.ConfigOpts) -> tuple[Part, ...]:
    """All parts of an agent."""
    privileged.configure(conf)
    return tuple(part(conf) for part, _reason in _ORDER)
