# SPDX-License-Identifier: Apache-2.0
"""Hosts of a cloud that are namespaces of this machine, each with libvirt, a compute service and a network agent.

All that a host has runs in a process namespace of its own: when its first process ends, nothing of it is left, as when
the power is cut. Hosts are joined by a cable, on which they migrate and tunnel. RabbitMQ and the API, which are on this
machine's loopback, are brought to each host's own loopback.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from tests.functional.backends import Road
from tests.functional.cloud import ROOT

_CLONE_NEWNET = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)

#: Mounts a machine of its own over this one's, starts libvirt, and ends with whoever started it.
_BOOT = r"""
set -o errexit -o nounset
hostname "$NAME"
mount -t tmpfs -o mode=755 none /run
# Of this network's devices. Control groups are gone with the old one: both hosts would have theirs in one tree.
umount --lazy --recursive /sys
mount -t sysfs none /sys
mkdir -p "$FOLDER"/{etc,lib,log,cache} /etc/libvirt /var/{lib,log,cache}/libvirt
mount --bind "$FOLDER/etc" /etc/libvirt
for each in lib log cache; do mount --bind "$FOLDER/$each" "/var/$each/libvirt"; done
ip link set lo up
cat > /etc/libvirt/libvirtd.conf << CONF
listen_tls = 0
listen_tcp = 1
listen_addr = "$ADDRESS"
auth_tcp = "none"
host_uuid = "$UUID"
CONF
read -r _plugged  # the cable
ip address add "$ADDRESS/24" dev eth0
ip link set eth0 up
"$ROOT/tools/start_libvirt.sh" start --listen
echo ready
read -r _end || true
"""


class Machine:
    """One host."""

    def __init__(self, name: str, address: str, folder: Path) -> None:
        """
        :param address: on the cable
        """
        self.name = name
        self.address = address
        self.folder = folder
        self._boot: subprocess.Popen[str] | None = None
        self._roads: list[Road] = []

    def begin(self) -> None:
        """There, without a cable."""
        self.folder.mkdir(parents=True, exist_ok=True)
        kinds = ("--net", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc")
        environment = {
            **os.environ,
            "NAME": self.name,
            "ADDRESS": self.address,
            "FOLDER": str(self.folder),
            "ROOT": str(ROOT),
            "UUID": Path("/proc/sys/kernel/random/uuid").read_text().strip(),
        }
        self._log = (self.folder / "boot.log").open("w")
        self._boot = subprocess.Popen(
            ["unshare", *kinds, "--propagation", "private", "bash", "-c", _BOOT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=environment,
        )
        self.pid = self._first_process()

    def _first_process(self) -> int:
        assert self._boot is not None
        children = Path(f"/proc/{self._boot.pid}/task/{self._boot.pid}/children")
        end = time.monotonic() + 10
        while not (found := children.read_text().split()):
            if time.monotonic() > end:
                raise AssertionError(f"{self.name} does not begin: {self._said()}")
            time.sleep(0.02)
        return int(found[0])

    def start(self, seconds: float = 90) -> None:
        """With its cable, and until libvirt answers."""
        assert self._boot is not None and self._boot.stdin is not None and self._boot.stdout is not None
        self._boot.stdin.write("plugged\n")
        self._boot.stdin.flush()
        ready, _, _ = select.select([self._boot.stdout], [], [], seconds)
        if not ready or self._boot.stdout.readline().strip() != "ready":
            raise AssertionError(f"{self.name} does not start: {self._said()}")

    def _said(self) -> str:
        return (self.folder / "boot.log").read_text()[-3000:]

    def bring(self, port: int) -> None:
        """What listens at a port of this machine's loopback is at the same port of the host's."""
        self._roads.append(_Bridge(self.pid, port))

    def command(self, *argv: str, network: str | None = None) -> list[str]:
        """What runs a program there.

        :param network: name of a network namespace of the host
        """
        inner = ["ip", "netns", "exec", network, *argv] if network else list(argv)
        return ["nsenter", "-t", str(self.pid), "-m", "-u", "-n", "-p", "--", *inner]

    def run(self, *argv: str, network: str | None = None, timeout: float = 30) -> str | None:
        """What a program prints; None when it fails."""
        try:
            done = subprocess.run(
                self.command(*argv, network=network),
                capture_output=True,
                text=True,
                timeout=timeout,
                stdin=subprocess.DEVNULL,
            )
        except subprocess.TimeoutExpired:
            return None
        return done.stdout if done.returncode == 0 else None

    @property
    def is_alive(self) -> bool:
        return self._boot is not None

    def kill(self) -> None:
        """Cut the power. Nothing when it is off."""
        for road in self._roads:
            road.close()
        self._roads.clear()
        boot, self._boot = self._boot, None
        if boot is None:
            return
        boot.kill()  # takes the first process with it, and that all others
        boot.wait(30)
        for pipe in (boot.stdin, boot.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self._log.close()
        end = time.monotonic() + 30
        while Path(f"/proc/{self.pid}").exists() and time.monotonic() < end:
            time.sleep(0.05)


class _Bridge(Road):
    """A road that begins in a host's network."""

    def __init__(self, pid: int, port: int) -> None:
        self._pid = pid
        self._number = port
        super().__init__("127.0.0.1", port)

    def _listen(self, port: int) -> socket.socket:
        found: list[socket.socket] = []

        def inside() -> None:
            """In a thread that ends: a socket stays in the namespace where it was made."""
            with open(f"/proc/{self._pid}/ns/net") as file:
                if _LIBC.setns(file.fileno(), _CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "setns")
            listener = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", self._number))
            listener.listen(64)
            found.append(listener)

        thread = threading.Thread(target=inside)
        thread.start()
        thread.join()
        threading.Thread(target=self._accept, args=(found[0],), daemon=True).start()
        return found[0]


def start(machines: Sequence[Machine]) -> None:
    """Two hosts with a cable between them."""
    one, two = machines
    for machine in machines:
        machine.begin()
    ends = (["netns", str(one.pid)], ["netns", str(two.pid)])
    command = ["ip", "link", "add", "name", "eth0", *ends[0], "type", "veth", "peer", "name", "eth0", *ends[1]]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    for machine in machines:
        machine.start()


def lacking() -> str | None:
    """Why this machine cannot have such hosts; None: it can."""
    if os.geteuid() != 0:
        return "needs root"
    programs = (
        "ip",
        "nsenter",
        "unshare",
        "dnsmasq",
        "libvirtd",
        "virtlogd",
        "qemu-system-x86_64",
        "ssh",
        "ping",
        "pkill",
    )
    if absent := [name for name in programs if shutil.which(name) is None]:
        return f"not installed: {', '.join(absent)}"
    kinds = ("--net", "--mount", "--uts", "--pid", "--fork")
    done = subprocess.run(["unshare", *kinds, "true"], capture_output=True, text=True, check=False)
    return f"cannot make namespaces: {done.stderr.strip()}" if done.returncode else None
