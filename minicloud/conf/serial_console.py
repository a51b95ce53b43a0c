# SPDX-License-Identifier: Apache-2.0
"""Serial lines of guests, and the proxy that brings them to browsers."""

from __future__ import annotations

from oslo_config import cfg

GROUP = cfg.OptGroup("serial_console", title="Serial consoles")

OPTS = [
    cfg.BoolOpt(
        "enabled",
        default=True,
        help="Whether users may have serial consoles: the API hands out no URLs and minicloud up starts no proxy "
        "without it.",
    ),
    cfg.HostAddressOpt(
        "serialproxy_host",
        default="127.0.0.1",
        help="Address that minicloud-serialproxy listens at. There is no TLS here: anything but loopback belongs "
        "behind a proxy that has it.",
    ),
    cfg.PortOpt(
        "serialproxy_port",
        default=6083,
        help="Port of minicloud-serialproxy; 0 is any that is free. When this is not set and 6083 is taken, "
        "minicloud up takes a free one.",
    ),
    cfg.StrOpt(
        "base_url",
        default="",
        help="What the URLs of serial consoles begin with, such as wss://cloud.example.org:6083/. Empty: ws:// and "
        "the address and port that the proxy listens at. The API hands it out, so it must be set there when the proxy "
        "runs elsewhere. With http for ws the same URL opens a terminal in a browser.",
    ),
    cfg.StrOpt(
        "xterm_path",
        default="",
        help="Folder of xterm.js, the terminal that runs in browsers; it has lib/xterm.js and css/xterm.css in it. "
        "Empty: looked for in xterm and node_modules/@xterm/xterm in state_dir, and where npm install -g @xterm/xterm "
        "puts it.",
    ),
]
