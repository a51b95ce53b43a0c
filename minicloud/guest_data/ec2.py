# SPDX-License-Identifier: Apache-2.0
"""The EC2 tree: ``<version>/meta-data/…`` and ``<version>/user-data``, for guests that were made for EC2.

https://docs.openstack.org/nova/latest/user/metadata.html#ec2-compatible-metadata
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from minicloud.guest_data.facts import Facts

VERSIONS: Final = (
    "1.0",
    "2007-01-19",
    "2007-03-01",
    "2007-08-29",
    "2007-10-10",
    "2007-12-15",
    "2008-02-01",
    "2008-09-01",
    "2009-04-04",
)
LATEST: Final = "latest"

_ROOT_DEVICE: Final = "/dev/vda"

#: A leaf, or what is below it by name.
Node = str | Mapping[str, Any]


class Entry(NamedTuple):
    """One row: something below ``meta-data`` since a version."""

    name: str
    since: str
    #: None: this guest has none.
    value: Callable[[Facts], Node | None]


def version_of(name: str) -> str | None:
    """The version that a name stands for; None: there is no such one."""
    if name == LATEST:
        return VERSIONS[-1]
    return name if name in VERSIONS else None


def meta_data(facts: Facts, version: str) -> dict[str, Node]:
    """What is below ``meta-data``."""
    age = VERSIONS.index(version)
    shown = {row.name: row.value(facts) for row in _ENTRIES if VERSIONS.index(row.since) <= age}
    return {name: value for name, value in shown.items() if value is not None}


def short_id(kind: str, uuid: str) -> str:
    """An id of the form that EC2 has, such as ``i-0123abcd``.

    It is the beginning of the uuid, so that no table of such ids is needed: nothing here is found by one.
    """
    return f"{kind}-{uuid.replace('-', '')[:8]:0<8}"


def _image(kind: str, uuid: str) -> str | None:
    return short_id(kind, uuid) if uuid else None


def _first(addresses: tuple[str, ...]) -> str:
    return addresses[0] if addresses else ""


def _local(facts: Facts) -> str:
    return _first(tuple(each.address for each in facts.fixed_ips if each.version == 4))


def _public(facts: Facts) -> str:
    return _first(tuple(address for each in facts.fixed_ips if each.version == 4 for address in each.floating))


def _public_keys(facts: Facts) -> Node | None:
    instance = facts.instance
    if not (instance.key_name and instance.key_data):
        return None
    return {"0": {"_name": f"0={instance.key_name}", "openssh-key": instance.key_data}}


def _devices(facts: Facts) -> Node:
    root = facts.instance.root_device_name or _ROOT_DEVICE
    return {"ami": root.removeprefix("/dev/"), "root": root}


_ENTRIES = (
    Entry("ami-id", "1.0", lambda facts: short_id("ami", facts.instance.image_id)),
    Entry("ami-launch-index", "1.0", lambda facts: str(facts.instance.launch_index)),
    Entry("ami-manifest-path", "1.0", lambda _facts: "(unknown)"),
    Entry("hostname", "1.0", lambda facts: facts.hostname),
    Entry("instance-id", "1.0", lambda facts: short_id("i", facts.instance.uuid)),
    Entry("local-ipv4", "1.0", _local),
    Entry("public-ipv4", "1.0", _public),
    Entry("reservation-id", "1.0", lambda facts: facts.instance.reservation_id),
    Entry("security-groups", "1.0", lambda facts: "\n".join(facts.instance.security_groups)),
    Entry("local-hostname", "2007-01-19", lambda facts: facts.hostname),
    Entry("public-hostname", "2007-01-19", lambda facts: facts.hostname),
    Entry("public-keys", "2007-01-19", _public_keys),
    Entry("instance-type", "2007-08-29", lambda facts: facts.instance.flavor.name),
    Entry("kernel-id", "2007-10-10", lambda facts: _image("aki", facts.instance.kernel_id)),
    Entry("ramdisk-id", "2007-10-10", lambda facts: _image("ari", facts.instance.ramdisk_id)),
    Entry("block-device-mapping", "2007-12-15", _devices),
    Entry("instance-action", "2007-12-15", lambda _facts: "none"),
    Entry("placement", "2008-02-01", lambda facts: {"availability-zone": facts.availability_zone}),
)


def render(node: Node) -> str:
    """A leaf as it is; else the names below it, with a slash where there is more below."""
    if isinstance(node, str):
        return node
    return "\n".join(_shown(name, child) for name, child in sorted(node.items()) if name != "_name")


def _shown(name: str, child: Node) -> str:
    if isinstance(child, str):
        return name
    # A key's number is shown with its name, and is the path without it.
    return str(child.get("_name") or f"{name}/")


def find(node: Node, path: tuple[str, ...]) -> Node | None:
    """What is at a path below a node."""
    for name in path:
        if isinstance(node, str) or name == "_name" or name not in node:
            return None
        node = node[name]
    return node
