# SPDX-License-Identifier: Apache-2.0
"""Where the front ends listen."""

from __future__ import annotations

from oslo_config import cfg

GROUP = cfg.OptGroup("front_end", title="HTTP front ends")

OPTS = [
    cfg.HostAddressOpt(
        "bind",
        default="127.0.0.1",
        help="Address to listen at. The default lets nobody in from outside; there is no TLS here, so anything else "
        "belongs behind a proxy that has it.",
    ),
    cfg.PortOpt("port", default=8774, help="The one port of all front ends; each has a path prefix there."),
    cfg.StrOpt(
        "public_url",
        default="",
        help="How clients reach the front ends, such as https://cloud.example.org. The catalog is made of it. "
        "Empty: http:// and the address and port listened at.",
    ),
    cfg.IntOpt("threads", default=16, min=1, help="Requests served at the same time by one process."),
]
