# SPDX-License-Identifier: Apache-2.0
"""Tokens for consoles."""

from __future__ import annotations

from oslo_config import cfg

GROUP = cfg.OptGroup("consoleauth", title="Tokens for consoles")

OPTS = [
    cfg.IntOpt(
        "token_ttl",
        default=600,
        min=1,
        help="Seconds for which the URL of a console opens it. A console that is open stays open; see [console] "
        "idle_timeout. A token ends sooner when its server is stopped, moved or deleted.",
    ),
]
