# SPDX-License-Identifier: Apache-2.0
"""The tree of a config drive: every version of every document, since the drive has nobody who could be asked later."""

from __future__ import annotations

import json

from minicloud.guest_data import ec2, openstack
from minicloud.guest_data.facts import Facts


def config_drive(facts: Facts) -> dict[str, bytes]:
    """Path -> content."""
    return {**_openstack(facts), **_ec2(facts)}


def _openstack(facts: Facts) -> dict[str, bytes]:
    found = {f"openstack/content/{number}": data for number, data in openstack.content(facts).items()}
    for name in (*openstack.VERSIONS, openstack.LATEST):
        version = openstack.version_of(name) or name
        for row in openstack.documents(version):
            if (data := row.make(facts, version)) is not None:
                found[f"openstack/{name}/{row.name}"] = data
    return found


def _ec2(facts: Facts) -> dict[str, bytes]:
    """Of EC2 there are only the newest version and ``latest``, as everywhere."""
    found = {}
    for name in (ec2.VERSIONS[-1], ec2.LATEST):
        found[f"ec2/{name}/meta-data.json"] = json.dumps(ec2.meta_data(facts, ec2.VERSIONS[-1])).encode()
        if facts.user_data is not None:
            found[f"ec2/{name}/user-data"] = facts.user_data
    return found
