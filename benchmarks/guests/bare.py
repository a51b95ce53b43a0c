# SPDX-License-Identifier: Apache-2.0
"""The floors: the same guests, started without a cloud and without a network."""

from __future__ import annotations

import abc
import subprocess
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from benchmarks.guests.watch import Banner, Console

#: Step -> seconds since it began.
Steps = dict[str, float]

#: Seconds until a bare guest must be there.
PATIENCE = 900.0

_META_DATA = '{"uuid": "00000000-0000-0000-0000-000000000000", "hostname": "bare"}'


class Bare(abc.ABC):
    """Starts guests of one image with nothing but the hypervisor; what it made is gone when it is left."""

    def __init__(self, image: Path, folder: Path) -> None:
        """
        :param folder: for what it makes; the hypervisor may look into it
        """
        self.image = image
        self.folder = folder
        self.mark = f"mcbare-{uuid.uuid4().hex[:8]}"

    def __enter__(self) -> Bare:
        with ExitStack() as undo:
            undo.callback(self.close)
            self.open()
            undo.pop_all()
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    @abc.abstractmethod
    def open(self) -> None:
        """Connect."""

    @abc.abstractmethod
    def close(self) -> None:
        """Remove all that was made."""

    @abc.abstractmethod
    def take_in(self) -> None:
        """Give the hypervisor the image, as it is wanted for guests."""

    @abc.abstractmethod
    def start(self, name: str) -> Steps:
        """Make one guest and wait until it can be logged in to: ``define``, ``start``, ``ACTIVE``, ``SSH`` …"""

    @abc.abstractmethod
    def remove(self, name: str) -> None:
        """Take it back."""

    def several(self, count: int) -> list[Steps]:
        """So many at once, which are gone again in the end."""
        names = [f"{self.mark}-{number}" for number in range(count)]
        with ThreadPoolExecutor(count) as pool:
            try:
                return list(pool.map(self.start, names))
            finally:
                list(pool.map(self.remove, names))


def timed(work: Callable[[], object]) -> float:
    """Seconds that it takes."""
    began = time.monotonic()
    work()
    return time.monotonic() - began


class BareDocker(Bare):
    """``create`` and ``start`` by the daemon's API, with network ``none``."""

    url = ""

    def open(self) -> None:
        import docker

        self._api: Any = docker.APIClient(base_url=self.url, version="auto", timeout=120, max_pool_size=64)
        # Where the guest looks first, so that it does not wait for a network.
        self._seed = self.folder / "seed"
        (self._seed / "openstack" / "latest").mkdir(parents=True)
        (self._seed / "openstack" / "latest" / "meta_data.json").write_text(_META_DATA)

    def close(self) -> None:
        from docker import errors

        for found in self._api.containers(all=True, filters={"label": self.mark}):
            with suppress(errors.NotFound):
                self._api.remove_container(found["Id"], v=True, force=True)
        with suppress(errors.NotFound):
            self._api.remove_image(f"{self.mark}:floor", force=True)
        self._api.close()

    def take_in(self) -> None:
        with self.image.open("rb") as file:
            pieces = iter(lambda: file.read(1 << 20), b"")
            self._api.import_image_from_data(pieces, repository=self.mark, tag="floor", changes=['CMD ["/sbin/init"]'])

    def start(self, name: str) -> Steps:
        began, wall = time.monotonic(), time.time()
        config = self._api.create_host_config(
            network_mode="none",
            cap_add=["SYS_BOOT"],
            mem_limit="128m",
            binds={str(self._seed): {"bind": "/var/lib/cloud/seed/config_drive", "mode": "ro"}},
        )
        self._api.create_container(
            f"{self.mark}:floor", name=name, tty=True, stdin_open=True, labels={self.mark: ""}, host_config=config
        )
        made = time.monotonic()
        self._api.start(name)
        steps = {"define": made - began, "start": time.monotonic() - made, "ACTIVE": time.monotonic() - began}
        pid = self._api.inspect_container(name)["State"]["Pid"]
        banner = Banner(f"/proc/{pid}/ns/net", "127.0.0.1")
        banner.start()
        banner.join(PATIENCE)
        banner.give_up()
        if banner.at is None:
            raise RuntimeError(f"no SSH server in container {name}: {banner.error or 'it does not answer'}")
        return {**steps, "SSH": banner.at - wall}

    def remove(self, name: str) -> None:
        from docker import errors

        with suppress(errors.NotFound):
            self._api.remove_container(name, v=True, force=True)


_DOMAIN = """\
<domain type='{kind}'>
  <name>{name}</name>
  <memory unit='MiB'>128</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64'>hvm</type></os>
  <features><acpi/></features>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source file='{disk}'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <serial type='file'><source path='{console}'/></serial>
  </devices>
</domain>
"""


class BareLibvirt(Bare):
    """``virsh define`` and ``start``, by libvirt's API, of an overlay over the image, without a network."""

    #: The type of the domains, as the cloud chooses it.
    kind = "qemu"

    def open(self) -> None:
        import libvirt

        libvirt.registerErrorHandler(lambda _context, _error: None, None)
        self._conn: Any = libvirt.open("qemu:///system")
        self._base = self.folder / "base.qcow2"

    def close(self) -> None:
        for domain in self._conn.listAllDomains(0):
            if domain.name().startswith(f"{self.mark}-"):
                self.remove(domain.name())
        self._conn.close()

    def take_in(self) -> None:
        _run(["qemu-img", "convert", "-f", "qcow2", "-O", "qcow2", str(self.image), str(self._base)])

    def start(self, name: str) -> Steps:
        began, wall = time.monotonic(), time.time()
        disk, console = self.folder / f"{name}.qcow2", self.folder / f"{name}.log"
        _run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", str(self._base), "-F", "qcow2", str(disk), "1G"])
        cloned = time.monotonic()
        domain = self._conn.defineXML(_DOMAIN.format(kind=self.kind, name=name, disk=disk, console=console))
        made = time.monotonic()
        domain.create()
        ended = time.monotonic()
        steps = {"disks": cloned - began, "define": made - cloned, "start": ended - made, "ACTIVE": ended - began}
        return steps | _read(Console(console), wall)

    def remove(self, name: str) -> None:
        import libvirt

        with suppress(libvirt.libvirtError):
            domain = self._conn.lookupByName(name)
            with suppress(libvirt.libvirtError):
                domain.destroy()
            domain.undefine()
        for path in self.folder.glob(f"{name}.*"):
            path.unlink(missing_ok=True)


def _read(console: Console, began: float) -> Steps:
    """When a bare machine's console had its first line and its prompt."""
    end = time.monotonic() + PATIENCE
    while not console.look("", "login:"):
        if time.monotonic() > end:
            raise RuntimeError("a bare machine has not come to its login")
        time.sleep(0.05)
    # What answers SSH starts beside what asks for a login.
    return {"first line": console.seen[""] - began, "SSH": console.seen["login:"] - began}


def _run(command: Sequence[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=300)
