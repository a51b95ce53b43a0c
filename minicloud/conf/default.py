# SPDX-License-Identifier: Apache-2.0
"""Options of [DEFAULT]: what a process is and where its state lies."""

from __future__ import annotations

import os
import socket

from oslo_config import cfg

GROUP = None


def _state_dir() -> str:
    """``$MINICLOUD_STATE_DIR``, else /var/lib/minicloud for root, else under ~/.local/share."""
    if path := os.environ.get("MINICLOUD_STATE_DIR"):
        return path
    if os.geteuid() == 0:
        return "/var/lib/minicloud"
    data = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    return os.path.join(data, "minicloud")


OPTS = [
    cfg.StrOpt(
        "state_dir",
        default=_state_dir(),
        sample_default="$MINICLOUD_STATE_DIR",
        help="The one directory that holds everything of this cloud on this machine: databases, keys, images, logs.",
    ),
    cfg.HostAddressOpt(
        "host",
        default=socket.gethostname(),
        sample_default="<hostname>",
        help="The name by which this compute host is known: in messages, service records and schedulers' filters. "
        "Changing it makes a new host; servers of the old name stay with the old name.",
    ),
    cfg.StrOpt(
        "compute_driver",
        default="fake.FakeDriver",
        help="The hypervisor driver, as module.Class under minicloud.virt, or the name of an entry point "
        "in minicloud.virt.drivers.",
    ),
]
