# SPDX-License-Identifier: Apache-2.0
"""Heartbeats: how services show that they live."""

from __future__ import annotations

from oslo_config import cfg

GROUP = None

OPTS = [
    cfg.IntOpt(
        "report_interval",
        default=10,
        min=1,
        help="Seconds between two heartbeats of a service. It must be well below ``service_down_time``.",
    ),
    cfg.IntOpt(
        "service_down_time",
        default=60,
        min=1,
        help="Seconds without a heartbeat after which a service counts as down: the API shows it so, and the "
        "scheduler places nothing there. At least twice ``report_interval``; clocks of all machines must agree better "
        "than that.",
    ),
]
