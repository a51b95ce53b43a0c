# SPDX-License-Identifier: Apache-2.0
"""The small guest, built of real packages and started by a real QEMU (without KVM)."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tarfile
import tempfile
import time
from pathlib import Path
from typing import ClassVar
from uuid import uuid4

import testtools

from minicloud.guest_image import Built, CannotBuild, build_disk, build_tar

#: Seconds for a start on a busy machine without KVM.
PATIENCE = 240
PROGRAMS = ("qemu-system-x86_64", "qemu-img", "genisoimage", "ssh", "ssh-keygen")


class GuestImageTest(testtools.TestCase):
    folder: ClassVar[Path]
    built: ClassVar[Built | None] = None
    why_not: ClassVar[str] = ""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.folder = Path(tempfile.mkdtemp(prefix="minicloud-guest-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        missing = [name for name in PROGRAMS if shutil.which(name) is None]
        if missing:
            cls.why_not = f"missing here: {', '.join(missing)}"
            return
        try:
            cls.built = build_disk(cls.folder / "guest.qcow2", lambda step: None, separate_kernel=True)
        except CannotBuild as error:
            cls.why_not = str(error)

    def setUp(self) -> None:
        super().setUp()
        if self.built is None:
            if os.environ.get("MINICLOUD_REQUIRE_REAL") == "1":
                self.fail(self.why_not)
            self.skipTest(self.why_not)
        self.key = self.folder / f"key-{uuid4().hex}"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.key)], check=True, timeout=60)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    def config_drive(self) -> Path:
        tree = self.folder / f"drive-{uuid4().hex}"
        latest = tree / "openstack/latest"
        latest.mkdir(parents=True)
        meta = {
            "uuid": str(uuid4()),
            "hostname": "web.cloud.local",
            "public_keys": {"mine": self.key.with_suffix(".pub").read_text()},
        }
        (latest / "meta_data.json").write_text(json.dumps(meta))
        (latest / "user_data").write_text("#!/bin/sh\nid -u > /root/proof\n")
        made = tree.with_suffix(".iso")
        subprocess.run(
            ["genisoimage", "-quiet", "-J", "-r", "-V", "config-2", "-o", str(made), str(tree)], check=True, timeout=60
        )
        return made

    def start(self, *more: str) -> subprocess.Popen[bytes]:
        assert self.built is not None
        disk = self.folder / f"{uuid4().hex}.qcow2"
        subprocess.run(
            ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", str(self.built.disk), str(disk)],
            check=True,
            timeout=60,
        )
        self.log, self.monitor = disk.with_suffix(".log"), disk.with_suffix(".sock")
        process = subprocess.Popen(
            [
                *("qemu-system-x86_64", "-accel", "tcg", "-m", "96", "-display", "none", "-no-reboot"),
                *("-serial", f"file:{self.log}", "-monitor", f"unix:{self.monitor},server=on,wait=off"),
                *("-netdev", f"user,id=n0,hostfwd=tcp:127.0.0.1:{self.port}-:22"),
                *("-device", "virtio-net-pci,netdev=n0", "-device", "virtio-rng-pci"),
                *("-drive", f"file={disk},if=virtio,format=qcow2"),
                *("-drive", f"file={self.config_drive()},media=cdrom,readonly=on,format=raw"),
                *more,
            ]
        )
        self.addCleanup(process.wait, 30)
        self.addCleanup(process.kill)
        return process

    def ssh(self, command: str, user: str = "root") -> str | None:
        options = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "BatchMode=yes", "ConnectTimeout=5")
        given = [word for option in options for word in ("-o", option)]
        where = ["-i", str(self.key), "-p", str(self.port), f"{user}@127.0.0.1"]
        done = subprocess.run(
            ["ssh", "-q", *given, *where, command], capture_output=True, text=True, timeout=60, check=False
        )
        return done.stdout.strip() if done.returncode == 0 else None

    def until(self, command: str, wanted: str, user: str = "root") -> None:
        deadline = time.monotonic() + PATIENCE
        while (found := self.ssh(command, user)) != wanted:
            if time.monotonic() > deadline:
                self.fail(f"{command}: {found!r} is not {wanted!r}\n{self.console()[-3000:]}")
            time.sleep(0.5)

    def console(self) -> str:
        return self.log.read_text(errors="replace")

    def tell(self, *commands: str) -> None:
        """Say something to QEMU's monitor."""
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.connect(str(self.monitor))
            for command in commands:
                monitor.sendall(f"{command}\n".encode())
                time.sleep(0.5)

    def test_by_itself(self) -> None:
        process = self.start()
        self.until("id -un", "minicloud", user="minicloud")
        self.until("cat /root/proof", "0")
        self.assertEqual("web", self.ssh("hostname"))
        self.assertIn("login:", self.console())
        self.tell("system_powerdown")
        self.assertEqual(0, process.wait(PATIENCE))
        self.assertIn("Power down", self.console())

    def test_with_kernel_and_what_comes_later(self) -> None:
        assert self.built is not None and self.built.kernel is not None and self.built.ramdisk is not None
        disk = self.folder / "volume.raw"
        with disk.open("wb") as file:
            file.truncate(8 << 20)
        arguments = ("-kernel", str(self.built.kernel), "-initrd", str(self.built.ramdisk))
        self.start(*arguments, "-append", "console=ttyS0 loglevel=4")
        self.until("cat /root/proof", "0")
        self.tell(
            "netdev_add user,id=n1,net=10.9.9.0/24",
            "device_add virtio-net-pci,netdev=n1",
            f"drive_add 0 if=none,file={disk},format=raw,id=v1",
            "device_add virtio-blk-pci,drive=v1,serial=VOLUME1",
        )
        self.until("cat /sys/block/vdb/serial", "VOLUME1")
        self.until("ip -4 -o addr show eth1 | grep -o '10.9.9.15/24'", "10.9.9.15/24")

    def test_root_for_a_container(self) -> None:
        made = self.folder / "root.tar"
        build_tar(made, lambda step: None)
        with tarfile.open(made) as tar:
            names = set(tar.getnames())
            self.assertEqual(set(), {"sbin/init", "usr/sbin/dropbear", "bin/busybox", "etc/inittab"} - names)
            self.assertEqual({0}, {one.uid for one in tar.getmembers()})
            self.assertFalse(any(name.startswith("boot/") for name in names))
