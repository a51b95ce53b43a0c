# SPDX-License-Identifier: Apache-2.0
"""The OpenStack tree: ``openstack/<version>/<document>`` and ``openstack/content/<number>``.

A version is a date, and never loses what it once had: documents and keys are rows that say since when.
https://docs.openstack.org/nova/latest/user/metadata.html#openstack-format-metadata
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from minicloud.guest_data.facts import Facts
from minicloud.guest_data.network import network_data

VERSIONS: Final = (
    "2012-08-10",
    "2013-04-04",  # random seed and password
    "2013-10-17",  # vendor data
    "2015-10-15",  # project and network data
    "2016-06-30",  # tagged devices
    "2016-10-06",  # vendor data of several sources
    "2017-02-22",  # VLANs of devices
    "2018-08-27",  # trust in devices
    "2020-10-14",  # dedicated CPUs
)
LATEST: Final = "latest"

#: The document that guests write; only the metadata service has it.
PASSWORD: Final = "password"
PASSWORD_SINCE: Final = "2013-04-04"


class Document(NamedTuple):
    """One row: a file of each version since a date."""

    name: str
    since: str
    #: None: this guest has none.
    make: Callable[[Facts, str], bytes | None]


class Key(NamedTuple):
    """One row: something in ``meta_data.json`` since a date."""

    name: str
    since: str
    #: What is None is left out.
    value: Callable[[Facts], Any]


def version_of(name: str) -> str | None:
    """The date that a name stands for; None: there is no such version."""
    if name == LATEST:
        return VERSIONS[-1]
    return name if name in VERSIONS else None


def documents(version: str) -> tuple[Document, ...]:
    """:param version: a date"""
    return tuple(row for row in _DOCUMENTS if row.since <= version)


def content(facts: Facts) -> Mapping[str, bytes]:
    """Number -> file that the user brought."""
    return {f"{number:04d}": data for number, (_, data) in enumerate(facts.injected_files)}


def meta_data(facts: Facts, version: str) -> dict[str, Any]:
    """``meta_data.json`` as it was at a date."""
    shown = {row.name: row.value(facts) for row in _KEYS if row.since <= version}
    return {name: value for name, value in shown.items() if value is not None}


def _public_keys(facts: Facts) -> dict[str, str] | None:
    instance = facts.instance
    return {instance.key_name: instance.key_data} if instance.key_name and instance.key_data else None


def _keys(facts: Facts) -> list[dict[str, str]] | None:
    instance = facts.instance
    if not (instance.key_name and instance.key_data):
        return None
    return [{"name": instance.key_name, "type": facts.key_type, "data": instance.key_data}]


def _files(facts: Facts) -> list[dict[str, str]] | None:
    shown = [
        {"content_path": f"/content/{number:04d}", "path": path}
        for number, (path, _) in enumerate(facts.injected_files)
    ]
    return shown or None


def _devices(facts: Facts) -> list[dict[str, Any]]:
    """Interfaces with tags. Where one sits is known to its hypervisor alone; guests find it by its MAC address."""
    return [
        {"type": "nic", "bus": "none", "address": "none", "mac": vif.mac_address, "tags": [vif.tag]}
        for vif in facts.vifs
        if vif.tag
    ]


def _seed(facts: Facts) -> str | None:
    return base64.b64encode(facts.random_seed).decode() if facts.random_seed else None


_KEYS = (
    Key("uuid", VERSIONS[0], lambda facts: facts.instance.uuid),
    Key("name", VERSIONS[0], lambda facts: facts.instance.display_name),
    Key("hostname", VERSIONS[0], lambda facts: facts.hostname),
    Key("launch_index", VERSIONS[0], lambda facts: facts.instance.launch_index),
    Key("availability_zone", VERSIONS[0], lambda facts: facts.availability_zone or None),
    Key("meta", VERSIONS[0], lambda facts: facts.instance.metadata or None),
    Key("public_keys", VERSIONS[0], _public_keys),
    Key("keys", VERSIONS[0], _keys),
    Key("files", VERSIONS[0], _files),
    Key("admin_pass", VERSIONS[0], lambda facts: facts.admin_password),
    Key("random_seed", "2013-04-04", _seed),
    Key("project_id", "2015-10-15", lambda facts: facts.instance.project_id),
    Key("devices", "2016-06-30", _devices),
    # No host here gives a guest CPUs of its own.
    Key("dedicated_cpus", "2020-10-14", lambda _facts: []),
)


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


_DOCUMENTS = (
    Document("meta_data.json", VERSIONS[0], lambda facts, version: _json(meta_data(facts, version))),
    Document("user_data", VERSIONS[0], lambda facts, _version: facts.user_data),
    Document("vendor_data.json", "2013-10-17", lambda facts, _version: _json(facts.vendor_data)),
    Document("network_data.json", "2015-10-15", lambda facts, _version: _json(network_data(facts.vifs))),
    Document("vendor_data2.json", "2016-10-06", lambda facts, _version: _json(facts.vendor_data2)),
)
