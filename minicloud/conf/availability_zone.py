# SPDX-License-Identifier: Apache-2.0
"""Availability zones: named by the metadata of host aggregates; these options name the rest."""

from __future__ import annotations

from oslo_config import cfg

GROUP = None

OPTS = [
    cfg.StrOpt(
        "default_availability_zone",
        default="nova",
        help="Zone of the hosts that are in no aggregate with ``availability_zone`` in its metadata. Users should not "
        "ask for it by name: a host leaves it as soon as it joins another zone.",
    ),
]
