# SPDX-License-Identifier: Apache-2.0
"""The table of the network API."""

from __future__ import annotations

from minicloud.builtin.network.api import agents, bindings, extensions, lists
from minicloud.builtin.network.api.handlers import Handlers
from minicloud.builtin.network.api.policy import rules
from minicloud.builtin.network.api.quotas import QuotaHandlers
from minicloud.builtin.network.api.resources.networks import NETWORK, SUBNET
from minicloud.builtin.network.api.resources.ports import PORT
from minicloud.builtin.network.api.resources.routers import FLOATING_IP, ROUTER
from minicloud.builtin.network.api.resources.security_groups import SECURITY_GROUP, SECURITY_GROUP_RULE
from minicloud.builtin.network.api.routers import RouterActions
from minicloud.builtin.network.manager.routers import RouterManager
from minicloud.web.operation import Operation
from minicloud.web.policy import RuleDefault

RESOURCES = (NETWORK, SUBNET, PORT, ROUTER, FLOATING_IP, SECURITY_GROUP, SECURITY_GROUP_RULE)

_RULE_HANDLERS = Handlers(SECURITY_GROUP_RULE)
_ROUTER_HANDLERS = Handlers(ROUTER)
_HANDLERS = (
    Handlers(NETWORK),
    Handlers(SUBNET),
    Handlers(PORT),
    _ROUTER_HANDLERS,
    Handlers(FLOATING_IP),
    Handlers(SECURITY_GROUP, nested=_RULE_HANDLERS),
    _RULE_HANDLERS,
)

OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", "/v2.0", extensions.Collections(RESOURCES), public=True),
    *extensions.OPERATIONS,
    *(row for handlers in _HANDLERS for row in handlers.operations()),
    *RouterActions(RouterManager(), _ROUTER_HANDLERS).operations(),
    *bindings.OPERATIONS,
    *QuotaHandlers({resource.name: resource.manager for resource in RESOURCES}).operations(),
    *lists.OPERATIONS,
    *agents.OPERATIONS,
)

RULES: list[RuleDefault] = rules(RESOURCES)


def list_rules() -> list[RuleDefault]:
    """What oslopolicy-sample-generator prints (entry point ``oslo.policy.policies``)."""
    return RULES
