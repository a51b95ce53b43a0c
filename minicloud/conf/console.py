# SPDX-License-Identifier: Apache-2.0
"""What the console proxies have in common."""

from __future__ import annotations

from oslo_config import cfg

GROUP = cfg.OptGroup("console", title="Console proxies")

OPTS = [
    cfg.ListOpt(
        "allowed_origins",
        default=[],
        help="Names of hosts whose pages may open consoles, beside the proxy's own, such as that of a dashboard with "
        "a terminal of its own. A browser says where a page comes from, and a proxy refuses others with 403; programs "
        "that are no browsers say nothing and are not asked.",
    ),
    cfg.IntOpt(
        "max_connections",
        default=200,
        min=1,
        help="Connections that one proxy has at the same time, those that fetch pages included; each has a thread. "
        "What comes when it is full is answered with 503.",
    ),
    cfg.IntOpt(
        "idle_timeout",
        default=3600,
        min=0,
        help="Seconds after which a console on which nothing moves is closed. 0: never.",
    ),
    cfg.IntOpt(
        "connect_timeout",
        default=10,
        min=1,
        help="Seconds that a proxy tries to reach the console of a guest.",
    ),
    cfg.FloatOpt(
        "check_interval",
        default=5.0,
        min=0.1,
        help="Seconds between two looks at whether the server of an open console is still there and on.",
    ),
]
