# SPDX-License-Identifier: Apache-2.0
"""A flavor on the wire, and inside a server."""

from __future__ import annotations

from typing import Any

from minicloud.api import links
from minicloud.api.deployment import ApiCall
from minicloud.api.v21.flavors import policy
from minicloud.objects import Flavor
from minicloud.web.view import Field, View


def _swap_before_75(call: ApiCall, flavor: Flavor) -> Any:
    return flavor.swap or ""


_BRIEF = (
    Field("id", lambda call, flavor: flavor.flavorid),
    Field("name", lambda call, flavor: flavor.name),
    Field("description", lambda call, flavor: flavor.description, since=55),
    Field("links", lambda call, flavor: links.of(call, "flavors", flavor.flavorid)),
)

BRIEF: View[Flavor] = View(*_BRIEF)

FULL: View[Flavor] = View(
    *_BRIEF,
    Field("ram", lambda call, flavor: flavor.memory_mb),
    Field("disk", lambda call, flavor: flavor.root_gb),
    Field("vcpus", lambda call, flavor: flavor.vcpus),
    Field("swap", _swap_before_75, until=74),
    Field("swap", lambda call, flavor: flavor.swap, since=75),
    Field("OS-FLV-EXT-DATA:ephemeral", lambda call, flavor: flavor.ephemeral_gb),
    Field("OS-FLV-DISABLED:disabled", lambda call, flavor: flavor.disabled, until=101),
    Field("os-flavor-access:is_public", lambda call, flavor: flavor.is_public),
    Field("rxtx_factor", lambda call, flavor: flavor.rxtx_factor, until=101),
    Field("extra_specs", lambda call, flavor: flavor.extra_specs, since=61, rule=policy.SPECS_INDEX),
)
