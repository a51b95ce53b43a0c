# SPDX-License-Identifier: Apache-2.0
"""A guest with something of everything."""

from __future__ import annotations

import base64
import json
from typing import Any

from minicloud.guest_data import Facts
from minicloud.objects import FixedIp, Flavor, Instance, Vif

UUID = "d8e02d56-2648-49a3-bf97-6be8f1204f38"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKvX me@home"
USER_DATA = b"#!/bin/sh\necho \xff\x00 hello\n"

V4 = FixedIp(
    address="192.168.81.99",
    subnet_id="s4",
    prefix=22,
    gateway="192.168.80.1",
    dns=("192.168.80.2", "9.9.9.9"),
    routes=(("10.7.0.0/16", "192.168.80.9"),),
    floating=("172.24.4.5",),
    assigned_by="static",
)
V6 = FixedIp(address="2001:db8::5", subnet_id="s6", version=6, prefix=64, gateway="2001:db8::1", dns=("2001:db8::2",))


def vif(*fixed: FixedIp, **fields: Any) -> Vif:
    known = {
        "port_id": "cd9f6d46-4a3a-43ab-a466-994af9db96fc",
        "network_id": "99e88329-f20d-4741-9593-25bf07847b16",
        "network_name": "private",
        "mac_address": "fa:16:3e:9c:bf:3d",
        "vif_type": "bridge",
    }
    return Vif(**{**known, "fixed_ips": fixed, **fields})


def instance(**fields: Any) -> Instance:
    known: dict[str, Any] = {
        "uuid": UUID,
        "project_id": "f7ac731cc11f40efbc03a9f9e1d1d21f",
        "user_id": "u1",
        "display_name": "Test one",
        "hostname": "test-one",
        "reservation_id": "r-abcdefgh",
        "launch_index": 2,
        "vm_state": "active",
        "flavor": Flavor(flavorid="1", name="m1.nano", vcpus=1, memory_mb=64, root_gb=1),
        "image_id": "70a599e0-31e7-49b7-b260-868f441e862b",
        "key_name": "mykey",
        "key_data": KEY,
        "user_data": base64.b64encode(USER_DATA).decode(),
        "security_groups": ("default", "web"),
        "metadata": {"role": "webserver"},
        "system_metadata": {
            "injected_files": json.dumps([{"path": "/etc/motd", "contents": base64.b64encode(b"hi\n").decode()}])
        },
    }
    return Instance(**{**known, **fields})


def facts(of: Instance | None = None, **fields: Any) -> Facts:
    known = {
        "vifs": (vif(V4, V6, tag="outside"),),
        "availability_zone": "nova",
        "domain": "example.org",
        "random_seed": b"\x01\x02\x03",
        "vendor_data": {"cloud": "ours"},
        "vendor_data2": {"static": {"cloud": "ours"}},
    }
    return Facts(of or instance(), **{**known, **fields})
