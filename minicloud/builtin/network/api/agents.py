# SPDX-License-Identifier: Apache-2.0
"""The agents on hosts, for administrators: ``openstack network agent list``."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from minicloud.builtin.network import exception
from minicloud.builtin.network.db import agents
from minicloud.builtin.network.entities import Agent
from minicloud.builtin.network.hosts import placement
from minicloud.builtin.network.manager.core import Core, Unit
from minicloud.web.operation import Call, Operation

#: By these, exactly, a list may be narrowed.
_FILTERS = ("id", "host", "agent_type", "binary")


def list_agents(call: Call[Core]) -> dict[str, Any]:
    """As in every list, who may not see a thing is shown none."""
    if not call.may("get_agent"):
        return {"agents": []}
    with call.app.reading(call.ctxt) as unit:
        found = [_view(call, agent) for agent in agents.all_of(unit.conn)]
    wanted = {name: call.query[name] for name in _FILTERS if name in call.query}
    return {"agents": [one for one in found if all(one[name] in values for name, values in wanted.items())]}


def show_agent(call: Call[Core], key: str) -> dict[str, Any]:
    with call.app.reading(call.ctxt) as unit:
        found = agents.find(unit.conn, id=key)
    if found is None:
        raise exception.AgentNotFound(id=key)
    return {"agent": _view(call, found)}


def delete_agent(call: Call[Core], key: str) -> None:
    """Forget an agent; one that lives is back with its next heartbeat."""

    def work(unit: Unit) -> None:
        if not agents.delete(unit.conn, key):
            raise exception.AgentNotFound(id=key)

    call.app.run(call.ctxt, work)


def _view(call: Call[Core], agent: Agent) -> dict[str, Any]:
    conf = call.app.conf
    return {
        "id": agent.id,
        "agent_type": "Linux bridge agent",
        "binary": "minicloud-network-agent",
        "topic": "network_agent",
        "host": agent.host,
        "availability_zone": conf.network.availability_zone,
        "admin_state_up": True,
        "alive": bool(placement.alive([agent], conf.service_down_time)),
        "configurations": {"tunneling_ip": agent.tunnel_ip, "problems": agent.problems},
        "description": "; ".join(f"{part}: {reason}" for part, reason in agent.problems.items()),
        "created_at": _moment(agent.created_at),
        "started_at": _moment(agent.started_at),
        "heartbeat_timestamp": _moment(agent.heartbeat_at),
    }


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")


OPERATIONS = (
    Operation("GET", "/v2.0/agents", list_agents),
    Operation("GET", "/v2.0/agents/{key}", show_agent, rule="get_agent"),
    Operation("DELETE", "/v2.0/agents/{key}", delete_agent, rule="delete_agent", status=204),
)
