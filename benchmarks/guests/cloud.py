# SPDX-License-Identifier: Apache-2.0
"""The cloud whose guests are real; it leaves the host as it was, however it ends."""

from __future__ import annotations

import os
import re
import signal
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from benchmarks.guests.bare import Bare, BareDocker, BareLibvirt
from benchmarks.process import CONFIG, OneProcess
from minicloud import conf as configuration
from minicloud import guest_image
from minicloud.builtin.network.agent import iproute
from minicloud.builtin.network.agent.lock import Lock
from minicloud.cmd import clearing
from minicloud.exception import ConfigurationError
from minicloud.virt import loader

#: Names of devices and namespaces that network agents make.
_NETWORKS = re.compile(r"(mcb|tap)[0-9a-f-]{11}|mc(dhcp|router)-.+")


class Unfit(Exception):
    """This machine cannot run the benchmark, and why."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What differs between drivers."""

    #: How many guests are booted at once unless the command line says it.
    guests: int
    #: What comes into minicloud.conf: ``folder`` and ``mark`` are filled in.
    config: str
    #: What the image is registered as.
    image: dict[str, str]
    bare: type[Bare]
    is_machine: bool
    #: MiB of a guest.
    memory: int = 128


KINDS = {
    "docker": Kind(
        guests=20,
        config="""\
compute_driver = docker.DockerDriver
[docker]
url = {docker}
name_prefix = {mark}
""",
        image={"disk_format": "raw", "container_format": "docker"},
        bare=BareDocker,
        is_machine=False,
    ),
    "libvirt": Kind(
        guests=5,
        config="""\
compute_driver = libvirt.LibvirtDriver
[libvirt]
instances_path = {folder}/instances
[image_cache]
path = {folder}/images
""",
        image={"disk_format": "qcow2", "container_format": "bare"},
        bare=BareLibvirt,
        is_machine=True,
    ),
}

_COMMON = """\
[DEFAULT]
host = {mark}
[compute]
ram_allocation_ratio = 64
cpu_allocation_ratio = 64
disk_allocation_ratio = 64
[network]
public_cidr = 172.31.79.0/24
private_cidr = 10.161.0.0/24
"""

DOCKER_URL = "MINICLOUD_DOCKER_URL"


class GuestCloud(OneProcess):
    """One process with a driver of real guests, and the agent of their networks."""

    FRESH: ClassVar[str] = "empty directory"

    def __init__(self, folder: Path, kind: Kind) -> None:
        """
        :raises Unfit: when this machine is not for it
        """
        self._kind = kind
        self.mark = f"mcbench-{uuid.uuid4().hex[:8]}"
        # A hypervisor may run as another user: it reaches a file whose name it is told.
        folder.chmod(0o711)
        super().__init__(folder)
        self._config = folder / "minicloud.conf"
        docker = os.environ.get(DOCKER_URL, "unix:///var/run/docker.sock")
        more = (kind.config + _COMMON).format(folder=folder, mark=self.mark, docker=docker)
        self._config.write_text(CONFIG.format(state=self.state, name="minicloud").partition("[fake]")[0] + more)
        self.conf = configuration.new(args=[], files=[str(self._config)])
        check(self.conf)
        #: Where a machine's console is written to.
        self.instances = folder / "instances"
        self.log = self.state / "minicloud.log"

    def _commands(self) -> dict[str, list[str]]:
        return {"minicloud": ["benchmarks.cloud", str(self._config), str(self.port)]}

    def close(self) -> None:
        """Stop it, and take guests, images and networks off the host; another Ctrl-C is not heard meanwhile."""
        with _undisturbed():
            try:
                super().close()
            finally:
                for each in clearing.clear(self.conf):
                    print(f"Left on this host: {each}", file=sys.stderr)

    @contextmanager
    def floor(self, image: Path) -> Iterator[Bare]:
        """The bare hypervisor that the cloud's guests are compared with."""
        folder = self.folder / "bare"
        folder.mkdir(mode=0o711)
        bare = self._kind.bare(image, folder)
        if isinstance(bare, BareDocker):
            bare.url = self.conf.docker.url
        if isinstance(bare, BareLibvirt):
            from minicloud.virt.libvirt.host import probe

            bare.kind = probe.domain_type("qemu:///system", self.conf.libvirt.virt_type, self.state)
        with bare:
            yield bare


def check(conf: Any) -> None:
    """
    :raises Unfit: when this machine lacks something, or has networks of another cloud, which would be lost
    """
    if os.geteuid() != 0:
        raise Unfit("Real guests and their networks need root.")
    try:
        found = {name for name in iproute.links() if _NETWORKS.fullmatch(name)}
        found |= {name for name in iproute.namespaces() if _NETWORKS.fullmatch(name)}
        if found:
            raise Unfit(
                f"Networks of another cloud are on this machine, which has one at a time: {', '.join(sorted(found))}. "
                "'minicloud reset' removes a cloud."
            )
        Lock(conf).remove()
        driver = loader.load(conf, conf.host)
        driver.init_host()
        driver.cleanup_host()
    except ConfigurationError as error:
        raise Unfit(str(error)) from error


def make_image(kind: Kind, path: Path, say: Any) -> None:
    """The small guest that ``minicloud image build-guest`` makes.

    :raises Unfit: when it cannot be made here
    """
    try:
        if kind.is_machine:
            guest_image.build_disk(path, say)
        else:
            guest_image.build_tar(path, say)
    except guest_image.CannotBuild as error:
        raise Unfit(f"No guest could be made: {error} --image takes one that is there.") from error


@contextmanager
def _undisturbed() -> Iterator[None]:
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            with suppress(TypeError):  # one that was not set from Python
                signal.signal(number, handler)
