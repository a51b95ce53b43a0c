# SPDX-License-Identifier: Apache-2.0
"""The images that a compute host keeps for its next guests."""

from __future__ import annotations

from oslo_config import cfg

GROUP = cfg.OptGroup("image_cache", title="Images kept on a compute host")

OPTS = [
    cfg.StrOpt(
        "path",
        help="The directory that holds them. Empty: image_cache under [DEFAULT] state_dir. Several hosts of one "
        "machine may share it. Keep it on the file system of the guests' disks: a guest then holds an image by a hard "
        "link, and otherwise by a copy.",
    ),
    cfg.IntOpt(
        "max_size_gb",
        default=20,
        min=0,
        help="GiB that it may take. Beyond that, images that no guest uses go, the one first that was not asked for "
        "longest. What guests use stays, whatever it takes. 0: keep only what is in use, and that of the last ten "
        "minutes.",
    ),
    cfg.IntOpt(
        "max_virtual_size_gb",
        default=2048,
        min=1,
        help="GiB of the largest disk that is taken, whatever the flavor allows. A compressed image of a few KiB may "
        "claim to be a disk of any size.",
    ),
    cfg.IntOpt(
        "convert_memory_mb",
        default=4096,
        min=128,
        help="MiB of address space for one qemu-img that converts an image. It really uses a small part of that; the "
        "limit stops images that are made to use up the host's memory.",
    ),
    cfg.IntOpt(
        "convert_cpu_seconds",
        default=600,
        min=1,
        help="Seconds on a CPU for one qemu-img that converts an image; ten times as many by the clock. Raise it for "
        "compressed images of more than some 50 GiB.",
    ),
]
