# SPDX-License-Identifier: Apache-2.0
"""The image that real guests of a new cloud can be made of, for which the first start has no time to wait."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from minicloud.cmd.commands.process import Home

if TYPE_CHECKING:
    from oslo_config import cfg

#: Package of a driver, or lxc -> what says to ``minicloud image build-guest`` which form its guests have. Without KVM
#: a BIOS and GRUB cost seconds until somebody can log in.
FORMS: dict[str, tuple[str, ...]] = {"libvirt": ("--kernel-initrd",), "lxc": ("--lxc",), "docker": ("--docker",)}

#: Seconds that the making may take to end when the cloud does.
_PATIENCE = 5.0


def _kind(conf: cfg.ConfigOpts) -> str:
    package = str(conf.compute_driver).partition(".")[0]
    is_lxc = conf.libvirt.virt_type == "lxc" or conf.libvirt.connection_uri.startswith("lxc")
    return "lxc" if package == "libvirt" and is_lxc else package


class FirstGuest:
    """Makes the image beside a cloud that is ready, in a process of its own: it costs time and memory only once.

    Where packages cannot be had it is said how to make it later, and the next start tries again. Once a cloud has had
    such an image it is not made again, so that one that was deleted stays so.
    """

    def __init__(self, conf: cfg.ConfigOpts, home: Home, program: Sequence[str], say: Callable[[str], None]) -> None:
        """
        :param program: what starts ``minicloud`` for this cloud again, to which a command's options are added
        :param say: takes a line for whoever started the cloud
        """
        form = FORMS.get(_kind(conf))
        self._command = [] if form is None else [*program, *form]
        self._is_wanted = bool(self._command) and conf.image.build_guest and not home.guest_file.exists()
        self._say = say
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._is_stopped = False

    def run(self) -> None:
        """Make it, if it is missing."""
        if not self._is_wanted:
            return
        self._say("An image of a tiny guest is being made; 'openstack image list' has it in a moment.")
        with self._lock:
            if self._is_stopped:
                return
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            )
        words, _ = self._process.communicate()
        if self._process.returncode == 0:
            self._say(f"The tiny guest is there: image {words.strip().splitlines()[-1]}")
        elif not self._is_stopped:
            self._say(f"No tiny guest could be made; 'minicloud image build-guest' tries again.\n{words.strip()}")

    def stop(self) -> None:
        """End what is being made; nothing is left of it."""
        with self._lock:
            self._is_stopped = True
            process = self._process
        if process is None or process.poll() is not None:
            return
        # As by Ctrl-C, at which the command removes what it has made so far.
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
