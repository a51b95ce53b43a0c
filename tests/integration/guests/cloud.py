# SPDX-License-Identifier: Apache-2.0
"""A cloud on this machine whose guests are real, and the way into them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import openstack

from minicloud.cmd import credentials
from tests.functional.cloud import ROOT, _free_port

T = TypeVar("T")

#: What a machine may be started with, and its format.
_ROLES = {"kernel": "aki", "ramdisk": "ari"}

#: Seconds until a guest answers: without KVM, on a busy machine.
PATIENCE = 240.0


def until(look: Callable[[], T], what: str, seconds: float = PATIENCE, pace: float = 0.5) -> T:
    """What ``look`` finds as soon as it is true.

    :raises AssertionError: naming ``what`` when it never is
    """
    end = time.monotonic() + seconds
    while True:
        if found := look():
            return found
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        time.sleep(pace)


def guest_image(path: Path, *options: str) -> None:
    """Make the small guest's image, or take the one of ``$MINICLOUD_TEST_GUESTS``, a folder, to save the time.

    :param options: of ``minicloud image build-guest``
    """
    kept = None
    if folder := os.environ.get("MINICLOUD_TEST_GUESTS"):
        kept = Path(folder) / "-".join(["guest", *[option.strip("-") for option in options]])
    target = kept or path
    if not target.exists():
        command = [sys.executable, "-m", "minicloud.cmd.cli", "image", "build-guest", *options, "--output", str(target)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
    if kept is not None:
        shutil.copy(kept, path)
        for role in _ROLES:
            if (part := _part(kept, role)).exists():
                shutil.copy(part, _part(path, role))


def kernel_guest(api: Any) -> Any:
    """An image of the small guest in the image service that names a kernel and a ramdisk: it starts faster."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "guest"
        guest_image(path, "--kernel-initrd")
        parts = {}
        for role, kind in _ROLES.items():
            values = {"filename": str(_part(path, role)), "disk_format": kind, "container_format": kind}
            parts[f"{role}_id"] = api.create_image(f"guest-{role}", wait=True, **values).id
        return api.create_image(
            "guest", filename=str(path), wait=True, disk_format="qcow2", container_format="bare", **parts
        )


def _part(path: Path, role: str) -> Path:
    return path.with_name(f"{path.name}.{role}")


class GuestCloud:
    """``minicloud up`` with a driver, in a state directory of its own."""

    def __init__(self, config: str) -> None:
        """
        :param config: text of minicloud.conf
        """
        self.home = Path(tempfile.mkdtemp(prefix="guests-"))
        self.state = self.home / "state"
        self.state.mkdir(mode=0o700)
        self.config = self.home / "minicloud.conf"
        self.config.write_text(config)
        #: With which every command is told which cloud is meant.
        self.options = ["--config-file", str(self.config), "--state-dir", str(self.state)]
        self.port = _free_port()
        self.key = self.home / "key"

    def start(self, *options: str) -> None:
        self.minicloud("up", "--detach", "--port", str(self.port), "--timeout", "120", *options)

    def close(self) -> None:
        """Remove everything, also what is on the host."""
        try:
            self.minicloud("reset", "--yes", "--force")
        finally:
            shutil.rmtree(self.home, ignore_errors=True)

    def minicloud(self, *arguments: str, code: int = 0) -> str:
        """Run a command of minicloud's.

        :param code: with which it is to end
        :raises AssertionError: with what it said, when it ends otherwise
        """
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "HOME": str(self.home),
            # Tests make their own guests, before.
            "OS_IMAGE__BUILD_GUEST": "false",
        }
        command = [sys.executable, "-m", "minicloud.cmd.cli", *arguments, *self.options]
        done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=300)
        if done.returncode != code:
            raise AssertionError(f"minicloud {' '.join(arguments)}: {done.stdout}{done.stderr}\n{self.log()[-4000:]}")
        return done.stdout

    def log(self) -> str:
        path = self.state / "log" / "minicloud.log"
        return path.read_text() if path.exists() else ""

    def connect(self, user: str = "demo") -> Any:
        """openstacksdk, as a user of that name in the project of that name."""
        return openstack.connect(
            auth_url=f"http://127.0.0.1:{self.port}/identity/v3",
            username=user,
            password=credentials.load_or_create(self.state)[user],
            project_name=user,
            user_domain_id="default",
            project_domain_id="default",
            compute_api_version="2.100",
            load_yaml_config=False,
            load_envvars=False,
        )

    def make_key(self) -> str:
        """A new key of the user's; its public half."""
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.key)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        return self.key.with_suffix(".pub").read_text()

    def ssh(self, address: str, command: str, *, timeout: float = 20) -> str | None:
        """What a command in the guest prints; None when the guest does not let us in."""
        options = {
            "StrictHostKeyChecking": "no",
            "UserKnownHostsFile": "/dev/null",
            "ConnectTimeout": "5",
            "BatchMode": "yes",
            "LogLevel": "ERROR",
        }
        line = [
            "ssh",
            "-i",
            str(self.key),
            *[part for name, value in options.items() for part in ("-o", f"{name}={value}")],
        ]
        try:
            done = subprocess.run(
                [*line, f"root@{address}", command],
                capture_output=True,
                text=True,
                timeout=timeout,
                stdin=subprocess.DEVNULL,
            )
        except subprocess.TimeoutExpired:
            return None
        return done.stdout.strip() if done.returncode == 0 else None
