# SPDX-License-Identifier: Apache-2.0
"""How much a project may have when no limit of its own is set."""

from __future__ import annotations

from typing import Final

from oslo_config import cfg

GROUP = cfg.OptGroup("quota", title="Quotas")

#: Resource -> (default limit, what it limits)
RESOURCES: Final[dict[str, tuple[int, str]]] = {
    "instances": (10, "servers of a project"),
    "cores": (20, "virtual CPUs of all servers of a project"),
    "ram": (50 * 1024, "MiB of memory of all servers of a project"),
    "metadata_items": (128, "metadata items of one server or image"),
    "injected_files": (5, "files injected into one server"),
    "injected_file_content_bytes": (10 * 1024, "bytes in one injected file"),
    "injected_file_path_bytes": (255, "bytes in the path of one injected file"),
    "key_pairs": (100, "key pairs of a user"),
    "server_groups": (10, "server groups of a project"),
    "server_group_members": (10, "servers in one server group"),
}

OPTS = [
    cfg.IntOpt(name, default=limit, min=-1, help=f"How many {what} there may be; -1 means any number.")
    for name, (limit, what) in RESOURCES.items()
]
