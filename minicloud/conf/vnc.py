# SPDX-License-Identifier: Apache-2.0
"""Screens of guests, and the proxy that brings them to browsers."""

from __future__ import annotations

from oslo_config import cfg

GROUP = cfg.OptGroup("vnc", title="VNC consoles")

OPTS = [
    cfg.BoolOpt(
        "enabled",
        default=True,
        help="Whether users may have screens: the API hands out no URLs and minicloud up starts no proxy without it.",
    ),
    cfg.HostAddressOpt(
        "novncproxy_host",
        default="127.0.0.1",
        help="Address that minicloud-novncproxy listens at. There is no TLS here: anything but loopback belongs "
        "behind a proxy that has it.",
    ),
    cfg.PortOpt(
        "novncproxy_port",
        default=6080,
        help="Port of minicloud-novncproxy; 0 is any that is free. When this is not set and 6080 is taken, "
        "minicloud up takes a free one.",
    ),
    cfg.StrOpt(
        "novncproxy_base_url",
        default="",
        help="What the URLs of screens begin with, such as https://cloud.example.org:6080/vnc_auto.html. Empty: "
        "http://, the address and port that the proxy listens at, and /vnc_auto.html. The API hands it out, so it must "
        "be set there when the proxy runs elsewhere.",
    ),
    cfg.StrOpt(
        "novnc_path",
        default="",
        help="Folder of noVNC, the viewer that runs in browsers; it has core/rfb.js in it. Empty: looked for in "
        "novnc and node_modules/@novnc/novnc in state_dir, /usr/share/novnc (the package novnc of Debian, Ubuntu and "
        "Fedora), and where npm install -g @novnc/novnc puts it.",
    ),
]
