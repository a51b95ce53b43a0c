# SPDX-License-Identifier: Apache-2.0
"""A valid request for every operation of the resources that are not servers: for tests that spoil them."""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.unit.api.base import SERVER
from tests.unit.api.servers.base import IMAGE, OTHER, PROJECT
from tests.unit.api.shapes import sample


class Valid(NamedTuple):
    """A request that is taken at ``version``, and the least who may send it."""

    method: str
    path: str
    who: str
    body: Any = None
    version: int = 1


def _flavor(version: int) -> Any:
    body = sample("flavor-manage/flavor-create-post-req", version)
    body["flavor"] |= {"id": "made", "name": "made"}
    return body


_PUBLIC_KEY = sample("os-keypairs/keypairs-import-post-req", 1)["keypair"]["public_key"]
_ENABLE = {"host": "host1", "binary": "nova-compute"}
_LONG_DISABLE = {**_ENABLE, "disabled_reason": "why"}

#: {…} stand for what :meth:`tests.unit.api.base.ApiTest.things` makes.
REQUESTS = (
    Valid("GET", "/extensions", "reader"),
    Valid("GET", "/extensions/os-hosts", "reader"),
    Valid("GET", "/flavors", "reader"),
    Valid("GET", "/flavors/detail", "reader"),
    Valid("GET", "/flavors/1", "reader"),
    Valid("POST", "/flavors", "admin", _flavor(1)),
    Valid("POST", "/flavors", "admin", _flavor(102), 102),
    Valid("PUT", "/flavors/1", "admin", {"flavor": {"description": "d"}}, 55),
    Valid("DELETE", "/flavors/1", "admin"),
    Valid("GET", "/flavors/secret/os-flavor-access", "admin"),
    Valid("POST", "/flavors/secret/action", "admin", {"addTenantAccess": {"tenant": PROJECT}}),
    Valid("POST", "/flavors/secret/action", "admin", {"removeTenantAccess": {"tenant": OTHER}}),
    Valid("GET", "/flavors/1/os-extra_specs", "reader"),
    Valid("POST", "/flavors/1/os-extra_specs", "admin", {"extra_specs": {"a:b": "c"}}),
    Valid("GET", "/flavors/1/os-extra_specs/k", "reader"),
    Valid("PUT", "/flavors/1/os-extra_specs/k", "admin", {"k": "2"}),
    Valid("DELETE", "/flavors/1/os-extra_specs/k", "admin"),
    Valid("GET", "/os-keypairs", "reader"),
    Valid("GET", "/os-keypairs/key", "reader"),
    Valid("POST", "/os-keypairs", "reader", {"keypair": {"name": "n", "public_key": _PUBLIC_KEY}}),
    Valid(
        "POST",
        "/os-keypairs",
        "admin",
        {"keypair": {"name": "n", "public_key": _PUBLIC_KEY, "type": "ssh", "user_id": "u2"}},
        92,
    ),
    Valid("DELETE", "/os-keypairs/key", "reader"),
    Valid("GET", "/os-server-groups", "reader"),
    Valid("GET", "/os-server-groups?all_projects=True", "admin"),
    Valid("POST", "/os-server-groups", "member", {"server_group": {"name": "g", "policies": ["affinity"]}}),
    Valid(
        "POST",
        "/os-server-groups",
        "member",
        {"server_group": {"name": "g", "policy": "anti-affinity", "rules": {"max_server_per_host": 3}}},
        64,
    ),
    Valid("GET", "/os-server-groups/{group}", "reader"),
    Valid("DELETE", "/os-server-groups/{group}", "member"),
    Valid("GET", "/limits", "reader"),
    Valid("GET", f"/limits?tenant_id={OTHER}", "admin"),
    Valid("GET", f"/os-quota-sets/{PROJECT}", "reader"),
    Valid("GET", f"/os-quota-sets/{OTHER}", "admin"),
    Valid("GET", f"/os-quota-sets/{PROJECT}/detail", "reader"),
    Valid("GET", f"/os-quota-sets/{OTHER}/detail", "admin"),
    Valid("GET", f"/os-quota-sets/{PROJECT}/defaults", "reader"),
    Valid("PUT", f"/os-quota-sets/{PROJECT}", "admin", {"quota_set": {"cores": 5, "ram": "9", "force": True}}),
    Valid("DELETE", f"/os-quota-sets/{PROJECT}", "admin"),
    Valid("GET", "/os-quota-class-sets/default", "admin"),
    Valid("PUT", "/os-quota-class-sets/default", "admin", {"quota_class_set": {"cores": 5, "ram": "9"}}),
    Valid("GET", "/os-aggregates", "admin"),
    Valid("GET", "/os-aggregates/1", "admin"),
    Valid("POST", "/os-aggregates", "admin", {"aggregate": {"name": "n", "availability_zone": "z"}}),
    Valid("PUT", "/os-aggregates/1", "admin", {"aggregate": {"name": "n", "availability_zone": "z"}}),
    Valid("POST", "/os-aggregates/1/action", "admin", {"add_host": {"host": "host1"}}),
    Valid("POST", "/os-aggregates/2/action", "admin", {"remove_host": {"host": "host2"}}),
    Valid("POST", "/os-aggregates/1/action", "admin", {"set_metadata": {"metadata": {"k": "v", "gone": None}}}),
    Valid("DELETE", "/os-aggregates/1", "admin"),
    Valid("GET", "/os-availability-zone", "reader"),
    Valid("GET", "/os-availability-zone/detail", "admin"),
    Valid("GET", "/os-hypervisors", "admin"),
    Valid("GET", "/os-hypervisors/detail", "admin"),
    Valid("GET", "/os-hypervisors/statistics", "admin"),
    Valid("GET", "/os-hypervisors/{node}", "admin", None, 53),
    Valid("GET", "/os-hypervisors/{node}/uptime", "admin", None, 53),
    Valid("GET", "/os-hypervisors/host/search", "admin"),
    Valid("GET", "/os-hypervisors/host/servers", "admin"),
    Valid("GET", "/os-services", "admin"),
    Valid("GET", "/os-migrations", "admin"),
    Valid("GET", "/os-console-auth-tokens/{console_token}", "admin", None, 31),
    Valid(
        "POST", "/os-server-external-events", "admin", {"events": [{"name": "network-changed", "server_uuid": SERVER}]}
    ),
    Valid("GET", "/images", "reader"),
    Valid("GET", "/images/detail", "reader"),
    Valid("GET", f"/images/{IMAGE}", "reader"),
    Valid("DELETE", f"/images/{IMAGE}", "reader"),
    Valid("GET", "/os-hosts", "admin"),
    Valid("GET", "/os-hosts/host1", "admin"),
    Valid("GET", "/os-simple-tenant-usage", "admin"),
    Valid("GET", f"/os-simple-tenant-usage/{PROJECT}", "reader"),
    Valid("GET", f"/os-simple-tenant-usage/{OTHER}", "admin"),
    Valid("GET", "/os-instance_usage_audit_log", "admin"),
    Valid("GET", "/os-instance_usage_audit_log/2026-01-01", "admin"),
    Valid("PUT", "/os-services/enable", "admin", _ENABLE),
    Valid("PUT", "/os-services/disable", "admin", _ENABLE),
    Valid("PUT", "/os-services/disable-log-reason", "admin", _LONG_DISABLE),
    Valid("PUT", "/os-services/force-down", "admin", {**_ENABLE, "forced_down": True}, 11),
    Valid("PUT", "/os-services/{service}", "admin", {"status": "disabled", "disabled_reason": "why"}, 53),
    Valid("PUT", "/os-services/{service}", "admin", {"forced_down": True}, 53),
    Valid("DELETE", "/os-services/{service}", "admin", None, 53),
)
