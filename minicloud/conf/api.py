# SPDX-License-Identifier: Apache-2.0
"""The compute API."""

from __future__ import annotations

from oslo_config import cfg

GROUP = cfg.OptGroup("api", title="Compute API")

OPTS = [
    cfg.IntOpt("max_limit", default=1000, min=1, help="The most items that one answer of a list has."),
    cfg.BoolOpt(
        "enable_instance_password",
        default=True,
        help="Whether the answer of a server's creation has its administrator password. Turn it off where guests "
        "cannot be given a password, so that clients do not show one that does not work.",
    ),
]
