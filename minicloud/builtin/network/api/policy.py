# SPDX-License-Identifier: Apache-2.0
"""Who may do what, with Neutron's names of rules."""

from __future__ import annotations

from collections.abc import Iterable

from minicloud.builtin.network.api.resource import Resource
from minicloud.web.policy import ADMIN, ADMIN_OR_MEMBER, ADMIN_OR_READER, ANYONE, MEMBER, RuleDefault, rule

_NET_OWNER = "role:member and project_id:%(network_project_id)s"
_SERVICE = "role:service"

#: Verb -> default. Reading is further narrowed to what the caller may see at all.
_VERBS = {"create": ADMIN_OR_MEMBER, "get": ADMIN_OR_READER, "update": ADMIN_OR_MEMBER, "delete": ADMIN_OR_MEMBER}

#: Rules that differ from the defaults by verb, or by "guarded attributes are for administrators".
_SPECIAL = {
    "create_subnet": f"{ADMIN} or ({MEMBER} and project_id:%(network_project_id)s)",
    "update_subnet": f"{ADMIN_OR_MEMBER} or ({_NET_OWNER})",
    "delete_subnet": f"{ADMIN_OR_MEMBER} or ({_NET_OWNER})",
    "create_port": f"{ADMIN_OR_MEMBER} or {_SERVICE}",
    "update_port": f"{ADMIN_OR_MEMBER} or {_SERVICE}",
    "delete_port": f"{ADMIN_OR_MEMBER} or ({_NET_OWNER}) or {_SERVICE}",
    "create_port:mac_address": f"{ADMIN} or {_SERVICE} or ({_NET_OWNER})",
    "update_port:mac_address": f"{ADMIN} or {_SERVICE}",
    "create_port:port_security_enabled": f"{ADMIN} or {_SERVICE} or ({_NET_OWNER})",
    "update_port:port_security_enabled": f"{ADMIN} or {_SERVICE} or ({_NET_OWNER})",
    "create_port:allowed_address_pairs": f"{ADMIN} or ({_NET_OWNER})",
    "update_port:allowed_address_pairs": f"{ADMIN} or ({_NET_OWNER})",
    "create_port:binding:host_id": f"{ADMIN} or {_SERVICE}",
    "update_port:binding:host_id": f"{ADMIN} or {_SERVICE}",
    "create_port:binding:profile": _SERVICE + f" or {ADMIN}",
    "update_port:binding:profile": _SERVICE + f" or {ADMIN}",
}

#: Rules of what is no declared resource.
_OTHERS = {
    "add_router_interface": ADMIN_OR_MEMBER,
    "remove_router_interface": ADMIN_OR_MEMBER,
    "add_extraroutes": ADMIN_OR_MEMBER,
    "remove_extraroutes": ADMIN_OR_MEMBER,
    "get_agent": ADMIN,
    "delete_agent": ADMIN,
    "get_quota": ADMIN_OR_READER,
    "update_quota": ADMIN,
    "delete_quota": ADMIN,
    "get_network_ip_availability": ADMIN,
    "get_availability_zone": ANYONE,
    "get_service_provider": ANYONE,
    "get_extension": ANYONE,
    "get_auto_allocated_topology": ADMIN_OR_READER,
    "delete_auto_allocated_topology": ADMIN_OR_MEMBER,
    "port_bindings": f"{ADMIN} or {_SERVICE}",
}


def rules(resources: Iterable[Resource]) -> list[RuleDefault]:
    """All rules of the network API."""
    found = dict(_OTHERS)
    for resource in resources:
        for verb, check in _VERBS.items():
            found[f"{verb}_{resource.name}"] = check
        for attribute in resource.attributes:
            if attribute.guarded and attribute.post:
                found[f"create_{resource.name}:{attribute.name}"] = ADMIN
            if attribute.guarded and attribute.put:
                found[f"update_{resource.name}:{attribute.name}"] = ADMIN
            if attribute.hidden:
                found[f"get_{resource.name}:{attribute.name}"] = ADMIN
    found |= _SPECIAL
    return [rule(name, check, name.replace("_", " ").capitalize() + ".") for name, check in sorted(found.items())]
