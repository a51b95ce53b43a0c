# SPDX-License-Identifier: Apache-2.0
"""Bridges of the host: whoever comes first makes them. The network agent does the rest."""

from __future__ import annotations

import re
import subprocess
import threading
from pathlib import Path
from xml.etree.ElementTree import Element  # nosec B405  # see xml.parse

from oslo_log import log as logging

from minicloud import exception
from minicloud.objects import Vif
from minicloud.virt.libvirt.xml.parse import text_at

LOG = logging.getLogger(__name__)

#: What the kernel takes for a name, and a program for no option.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}", re.ASCII)

_NET = Path("/sys/class/net")
_SECONDS = 20

#: How often a bridge is made that others remove.
_TRIES = 3

#: Bytes; until the agent, who knows the network's, sets it.
_MTU = 1500

_lock = threading.Lock()


def ensure_bridge(vif: Vif) -> None:
    """Make the bridge of a port if it is not there.

    An agent removes the bridge of a network's last guest, which may be just now: whoever puts a device into it looks
    for :func:`~minicloud.virt.libvirt.host.errors.is_missing_device` and begins again here.

    :raises VirtError:
    """
    if vif.vif_type == "bridge" and vif.bridge is not None:
        _ensure(vif.bridge, vif.mtu)


def ensure_bridges(definition: Element) -> None:
    """The same for all that a guest is to be plugged into when it starts."""
    for node in definition.findall("devices/interface[@type='bridge']"):
        _ensure(text_at(node, "source/@bridge"), int(text_at(node, "mtu/@size") or _MTU))


def _ensure(bridge: str, mtu: int) -> None:
    if not _NAME.fullmatch(bridge):
        raise exception.VirtError(reason=f"{bridge!r} is no name of a bridge")
    with _lock:
        for left in reversed(range(_TRIES)):
            if not (_NET / bridge).exists():
                LOG.info("Making the bridge %s", bridge)
                # Another process may be faster.
                _ip("link", "add", "name", bridge, "mtu", str(mtu), "type", "bridge", "stp_state", "0", check=False)
            try:
                return _ip("link", "set", "dev", bridge, "up")
            except exception.VirtError:
                if not left or (_NET / bridge).exists():
                    raise


def cut_off(device: str) -> None:
    """Take a guest's tap device out of its bridge, so that the guest reaches nobody through it."""
    if _NAME.fullmatch(device) and (_NET / device).exists():
        _ip("link", "set", "dev", device, "nomaster", check=False)
        _ip("link", "set", "dev", device, "down", check=False)


def _ip(*arguments: str, check: bool = True) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, timeout=_SECONDS, check=False)
    if check and done.returncode:
        raise exception.VirtError(reason=f"ip {' '.join(arguments)}: {done.stderr.strip()}")
