# SPDX-License-Identifier: Apache-2.0
"""How the conductor watches over its cell."""

from __future__ import annotations

from oslo_config import cfg

GROUP = cfg.OptGroup("conductor", title="Conductor")

OPTS = [
    cfg.IntOpt(
        "reconcile_interval",
        default=30,
        min=1,
        help="Seconds between two looks for servers whose task should have ended. Such a server is put into ERROR with "
        "the last thing that was known of it, or, when it was to be deleted, is deleted.",
    ),
]
