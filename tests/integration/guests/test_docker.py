# SPDX-License-Identifier: Apache-2.0
"""Containers by Docker."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from tests.fixtures import containers
from tests.integration.guests import life
from tests.integration.guests.cloud import guest_image


class TestDocker(life.Life):
    CONFIG = """\
[DEFAULT]
compute_driver = docker.DockerDriver
[docker]
url = {docker_url}
[network]
public_cidr = 172.31.78.0/24
"""
    IMAGE: ClassVar[dict[str, str]] = {"disk_format": "raw", "container_format": "docker"}
    CAN = frozenset({"interfaces", "rescue", "resize", "shelve", "snapshot"})

    def check_host(self) -> str:
        return super().check_host().format(docker_url=containers.docker_url(self))

    def make_image(self, path: Path) -> None:
        guest_image(path, "--docker")
