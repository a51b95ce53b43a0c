# SPDX-License-Identifier: Apache-2.0
"""libvirtd, dnsmasq and clouds that are killed, builds that fail at each step: no QEMU guest has to come far for it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import openstack

from tests.fixtures import libvirt
from tests.integration.guests.cloud import until
from tests.integration.guests.trouble import Trouble

_CONFIG = """\
[DEFAULT]
compute_driver = libvirt.LibvirtDriver
[libvirt]
virt_type = qemu
shutdown_timeout = 1
[network]
public_cidr = 172.31.80.0/24
"""

_PID = Path("/run/libvirtd.pid")


class LibvirtTrouble(Trouble):
    IMAGE: ClassVar[dict[str, str]] = {"disk_format": "qcow2", "container_format": "bare"}

    def configuration(self) -> str:
        libvirt.require(self)
        return _CONFIG

    def guests(self) -> set[str]:
        return {line.strip() for line in _virsh("list", "--all", "--uuid").split() if line.strip()}

    def files(self) -> set[str]:
        folder = self.cloud.state / "instances"
        return {path.name for path in folder.iterdir()} if folder.is_dir() else set()

    def qemu(self, server: Any) -> int:
        """Its process."""
        found = subprocess.run(["pgrep", "-f", f"qemu-system.*{server.id}"], capture_output=True, text=True)
        return int(found.stdout.split()[0])


def _virsh(*arguments: str) -> str:
    done = subprocess.run(
        ["virsh", "--quiet", "--connect", libvirt.QEMU, *arguments], capture_output=True, text=True, timeout=60
    )
    if done.returncode:
        raise AssertionError(f"virsh {' '.join(arguments)}: {done.stderr}")
    return done.stdout


class TestDaemon(LibvirtTrouble):
    def configuration(self) -> str:
        text = super().configuration()
        if Path("/run/systemd/system").exists() or not _PID.exists():
            self.lacking("libvirtd is not one that tools/start_libvirt.sh has started: it is not ours to kill")
        return text

    def kill_daemon(self) -> None:
        pid = int(_PID.read_text())
        os.kill(pid, signal.SIGKILL)
        until(lambda: not Path(f"/proc/{pid}/exe").exists(), "libvirtd is dead", 10, 0.05)
        self.addCleanup(self.start_daemon)

    def start_daemon(self) -> None:
        if not (_PID.exists() and Path(f"/proc/{_PID.read_text().strip()}/exe").exists()):
            subprocess.run(["libvirtd", "--daemon"], check=True, timeout=60)

    def test_killed_and_started_again(self) -> None:
        kept, unwanted = self.boot("kept"), self.boot("unwanted")
        self.until_service("enabled")
        torn = self.create("torn")
        until(lambda: torn.id in self.files(), "the folder of a server that is being built", 30, 0.002)
        self.kill_daemon()

        service = self.until_service("disabled")
        self.assertEqual("up", service.state)
        self.assertIn("AUTO: ", service.disabled_reason)
        self.assertIn("libvirt", service.disabled_reason)
        self.assertGreater(self.qemu(kept), 0, "the guest ended with the daemon")
        self.user.compute.delete_server(unwanted.id)
        self._refused_meanwhile(kept)
        is_torn = self.until_state(torn, "ERROR", "ACTIVE").status == "ERROR"

        self.start_daemon()
        self.until_service("enabled")
        self.user.compute.wait_for_delete(unwanted, wait=60)
        self.assertEqual("ACTIVE", self.look(kept).status)
        if is_torn:
            # Before its owner does anything: what could not be undone then is undone now.
            until(lambda: torn.id not in self.files() | self.guests(), "nothing of the failed build", 30)
        self.remove(torn)
        self.assert_nothing_left(torn, unwanted)
        self._by_another_hand(kept)
        self.remove(kept)
        self.assert_nothing_left(kept)
        self.assert_host_clean()

    def _refused_meanwhile(self, kept: Any) -> None:
        """Each with its reason; the server is as it was."""
        self.user.compute.stop_server(kept.id)
        self.until_state(kept, "ACTIVE")
        (event,) = self.last_action(kept, "stop").events
        self.assertIn("libvirt is not reachable", event["details"])
        error = self.assertRaises(
            openstack.exceptions.HttpException,
            self.user.compute.create_console,
            kept.id,
            "novnc",
        )
        self.assertIn("The hypervisor does not answer", str(error))
        refused = self.create("refused")
        self.until_state(refused, "ERROR")
        self.assertIn("libvirt is not reachable", self.why(refused) + self.cloud.minicloud("explain", refused.id))
        self.remove(refused)

    def _by_another_hand(self, server: Any) -> None:
        """What an operator does with virsh is told at once, also after the daemon's return."""
        _virsh("destroy", server.id)
        self.assertEqual(4, self.until_state(server, "SHUTOFF", seconds=10).power_state)
        _virsh("start", server.id)
        self.assertEqual(1, self.until_state(server, "ACTIVE", seconds=10).power_state)
        _virsh("suspend", server.id)
        self.until_state(server, "PAUSED", seconds=10)
        _virsh("destroy", server.id)
        self.until_state(server, "SHUTOFF", seconds=10)
        _virsh("undefine", server.id)
        self.until_state(server, "ERROR", seconds=10)
        self.assertIn("does not exist on this host", self.why(server))
        self.user.compute.reboot_server(server.id, "HARD")
        until(lambda: self.look(server).status == "ACTIVE", "a hard reboot makes its domain anew", 60)


class TestKilledCloud(LibvirtTrouble):
    def test_in_the_middle(self) -> None:
        """A server in whose building, resizing, copying or deleting the cloud was killed comes to an end."""
        building: dict[str, Callable[[Any], object]] = {
            "a folder": lambda one: one.id in self.files(),
            "an interface": lambda _one: any(name.startswith("tap") for _, name in socket.if_nameindex()),
        }
        for moment, server in self.moments(lambda number: self.create(f"built-{number}"), building):
            found = self.until_state(server, "ACTIVE", "ERROR", seconds=120)
            self.assertTrue(found.status == "ACTIVE" or found.fault["message"], moment)
            self.remove(server)
            self.assert_nothing_left(server)

        server = self.boot("changed")
        resizing: dict[str, Callable[[Any], object]] = {
            "a resize": lambda one: (self.look(one).task_state or "").startswith("resize"),
        }
        for _moment, _ in self.moments(self._resize(server), resizing):
            resized = self.end_resize(server, may_be_lost=True)
            self.assertEqual("160 MiB" if resized else "128 MiB", self._memory(server))

        copies = self.cloud.state / "instances" / server.id
        copying: dict[str, Callable[[Any], object]] = {"a copy": lambda _one: list(copies.glob("snapshot-*"))}
        for _moment, _ in self.moments(self._snapshot(server), copying):
            self.until_state(server, "ACTIVE", seconds=120)
            image = until(lambda: self.user.image.find_image("copy"), "the image", 30)
            until(lambda image=image: self.user.image.get_image(image.id).status == "active", "its data", 60)
            self.assertEqual([], list(copies.glob("snapshot-*")))

        deleting: dict[str, Callable[[Any], object]] = {"a delete": lambda one: self.look(one).task_state == "deleting"}
        for _moment, _ in self.moments(self._delete(server), deleting):
            self.user.compute.wait_for_delete(server, wait=60)
        self.assert_nothing_left(server)
        self.assert_host_clean()

    def _memory(self, server: Any) -> str:
        kib = int(re.findall(r"<memory unit='KiB'>(\d+)<", _virsh("dumpxml", server.id))[0])
        return f"{kib // 1024} MiB"

    def _resize(self, server: Any) -> Callable[[int], Any]:
        def ask(_number: int) -> Any:
            self.user.compute.resize_server(server.id, self.bigger.id)
            return server

        return ask

    def _snapshot(self, server: Any) -> Callable[[int], Any]:
        def ask(_number: int) -> Any:
            self.user.compute.create_server_image(server.id, "copy")
            return server

        return ask

    def _delete(self, server: Any) -> Callable[[int], Any]:
        def ask(_number: int) -> Any:
            self.user.compute.delete_server(server.id)
            return server

        return ask


class TestFailures(LibvirtTrouble):
    """What goes wrong at each step of a build is told on the server, and all that was taken is given back."""

    def configuration(self) -> str:
        return super().configuration() + "[libvirt]\nvnc_listen = 192.0.2.1\nserial_ports = 10000:10001\n"

    def test_each(self) -> None:
        for name, make, words in (
            ("data of another checksum", self._changed, "where the image service says"),
            ("a disk larger than the flavor's", self._large, "more than the 1073741824 of the flavor's root"),
            ("a disk upon a file of the host", self._hostile, "it is not safe to open"),
            ("a disk of another format", self._another, "it is said to be qcow2"),
            ("a wish that nobody fulfils", self._numa, "the libvirt driver has no NUMA nodes"),
            ("serial lines without ports", self._lines, "no 4 ports are free"),
            ("a domain that libvirt refuses", self._undefinable, "loom"),
            ("a guest that QEMU refuses", self._unstartable, "192.0.2.1"),
        ):
            server = self.create("fails", **make())
            self.until_state(server, "ERROR")
            self.assertIn(words, self.why(server), name)
            # Before it is deleted, as its owner may leave it for a long time.
            self.assert_nothing_left(server)
            self.remove(server)
        self.assert_host_clean()

    def _image(self, make: Callable[[Path], object], **properties: str) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "image"
            make(path)
            return {
                "image_id": self.user.create_image(
                    f"bad-{uuid4()}", filename=str(path), wait=True, **self.IMAGE, **properties
                ).id
            }

    def _changed(self) -> dict[str, Any]:
        found = self._image(lambda path: _qemu_img("create", "-f", "qcow2", path, "16M"))
        (data,) = [path for path in (self.cloud.state / "images").rglob(f"*{found['image_id']}*") if path.is_file()]
        content = bytearray(data.read_bytes())
        content[-1] ^= 1
        data.chmod(0o600)
        data.write_bytes(content)
        return found

    def _large(self) -> dict[str, Any]:
        return self._image(lambda path: _qemu_img("create", "-f", "qcow2", path, "3G"))

    def _hostile(self) -> dict[str, Any]:
        return self._image(
            lambda path: _qemu_img("create", "-u", "-f", "qcow2", "-b", "/etc/shadow", "-F", "raw", path, "16M")
        )

    def _another(self) -> dict[str, Any]:
        return self._image(lambda path: path.write_bytes(bytes(1 << 20)))

    def _numa(self) -> dict[str, Any]:
        return self._flavor(**{"hw:numa_nodes": "2"})

    def _lines(self) -> dict[str, Any]:
        return self._flavor(**{"hw:serial_port_count": "4"})

    def _undefinable(self) -> dict[str, Any]:
        return self._image(lambda path: _qemu_img("create", "-f", "qcow2", path, "16M"), hw_machine_type="loom")

    def _unstartable(self) -> dict[str, Any]:
        """Every guest is so where screens are to listen at an address that is not this machine's."""
        return {}

    def _flavor(self, **specs: str) -> dict[str, Any]:
        flavor = self.admin.compute.create_flavor(name=f"odd-{uuid4()}", ram=128, vcpus=1, disk=1)
        self.admin.compute.create_flavor_extra_specs(flavor, specs)
        return {"flavor_id": flavor.id}


def _qemu_img(*arguments: object) -> None:
    subprocess.run(["qemu-img", *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)


class TestDhcp(LibvirtTrouble):
    def test_a_server_gets_its_address_from_a_dnsmasq_that_was_killed(self) -> None:
        server = self.boot("leased")
        (port,) = self.ports(server)
        for _ in range(2):
            pid = until(lambda: _dnsmasq(self.network.id), "dnsmasq", 30)
            os.kill(pid, signal.SIGKILL)
            until(lambda pid=pid: _dnsmasq(self.network.id) not in (None, pid), "another dnsmasq", 30, 0.1)
        address = port.fixed_ips[0]["ip_address"]

        def said() -> bool:
            return address in self.user.compute.get_server_console_output(server.id)["output"]

        until(said, f"the guest has {address}", 240, 1)
        self.remove(server)


def _dnsmasq(network: str) -> int | None:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes()
        except OSError:
            continue  # it ended just now
        if command.startswith(b"dnsmasq") and network.encode() in command:
            return int(path.parent.name)
    return None
