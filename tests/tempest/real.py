# SPDX-License-Identifier: Apache-2.0
"""Clouds whose guests are real, and what of Tempest runs against each."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.integration.guests.cloud import GuestCloud, guest_image

SCENARIOS = Path(__file__).resolve().parent / "scenarios.txt"


@dataclass(frozen=True)
class Kind:
    """One driver's cloud."""

    #: Text of minicloud.conf.
    config: str
    #: Options of ``minicloud image build-guest``.
    options: tuple[str, ...]
    #: The image's name, by which ``minicloud tempest-config`` finds it, and what it is registered as.
    image: str
    form: dict[str, Any]


KINDS = {
    "libvirt": Kind(
        config="""\
[DEFAULT]
compute_driver = libvirt.LibvirtDriver
[libvirt]
virt_type = qemu
[network]
public_cidr = 172.31.75.0/24
""",
        options=(),
        image="minicloud-guest",
        form={"disk_format": "qcow2", "container_format": "bare", "hw_rng_model": "virtio"},
    ),
    "docker": Kind(
        config="""\
[DEFAULT]
compute_driver = docker.DockerDriver
[docker]
url = {docker_url}
[network]
public_cidr = 172.31.76.0/24
""",
        options=("--docker",),
        image="minicloud-guest-docker",
        form={"disk_format": "raw", "container_format": "docker"},
    ),
}


@contextmanager
def cloud(driver: str, folder: Path) -> Iterator[str]:
    """A running cloud; its tempest.conf. What it says is left in the folder, and nothing on the host.

    :param driver: one of :data:`KINDS`
    """
    kind = KINDS[driver]
    url = os.environ.get("MINICLOUD_DOCKER_URL", "unix:///var/run/docker.sock")
    made = GuestCloud(kind.config.format(docker_url=url))
    try:
        made.start()
        image = folder / "guest"
        guest_image(image, *kind.options)
        admin = made.connect("admin")
        # Tempest rebuilds servers to another image, which may well have the same content.
        for name in (kind.image, f"{kind.image}-alt"):
            admin.create_image(name, filename=str(image), wait=True, visibility="public", **kind.form)
        admin.close()
        image.unlink()
        yield made.minicloud("tempest-config")
    finally:
        log = made.state / "log"
        if log.is_dir():
            shutil.copytree(log, folder / "log", dirs_exist_ok=True)
        made.close()


def read_list(driver: str, *, only_core: bool) -> list[str]:
    """The names of scenarios.txt that are for a driver.

    :param only_core: those that CI runs
    """
    found = []
    for line in SCENARIOS.read_text().splitlines():
        name, *drivers = line.partition("#")[0].split() or [""]
        if f"{driver}*" in drivers or (driver in drivers and not only_core):
            found.append(name)
    return found
