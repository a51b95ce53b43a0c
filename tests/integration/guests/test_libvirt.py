# SPDX-License-Identifier: Apache-2.0
"""QEMU guests by libvirt."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from tests.fixtures import libvirt
from tests.integration.guests import life
from tests.integration.guests.cloud import guest_image


class TestLibvirt(life.Life):
    CONFIG = """\
[DEFAULT]
compute_driver = libvirt.LibvirtDriver
[libvirt]
virt_type = qemu
[network]
public_cidr = 172.31.77.0/24
"""
    IMAGE: ClassVar[dict[str, str]] = {
        "disk_format": "qcow2",
        "container_format": "bare",
        "hw_qemu_guest_agent": "yes",
    }
    CAN = frozenset({"password", "suspend", "interfaces", "rescue", "resize", "shelve", "snapshot"})

    def check_host(self) -> str:
        libvirt.require(self)
        return super().check_host()

    def make_image(self, path: Path) -> None:
        guest_image(path)
