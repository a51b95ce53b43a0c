# SPDX-License-Identifier: Apache-2.0
"""Servers that are Docker containers: compute_driver = docker.DockerDriver."""

from __future__ import annotations

import os

from oslo_config import cfg

_SOCKET = "unix:///var/run/docker.sock"


def _url() -> str:
    """``$DOCKER_HOST`` when it is a socket of this machine, as for the ``docker`` command."""
    told = os.environ.get("DOCKER_HOST", "")
    return told if told.startswith("unix://") else _SOCKET


GROUP = cfg.OptGroup("docker", title="Servers in Docker containers")

OPTS = [
    cfg.StrOpt(
        "url",
        default=_url(),
        sample_default=_SOCKET,
        regex=r"^(unix|http\+unix)://",
        help="Socket of the Docker daemon of this machine, such as unix:///var/run/docker.sock. $DOCKER_HOST is the "
        "default where it names a socket. A daemon elsewhere will not do: the ends of network "
        "interfaces are moved into the containers, and files are mounted into them.",
    ),
    cfg.IntOpt(
        "timeout",
        default=120,
        min=5,
        help="Seconds to wait for an answer of the daemon; loading and saving images may take five times as long.",
    ),
    cfg.StrOpt(
        "name_prefix",
        default="minicloud",
        regex=r"^[a-z0-9]+(-[a-z0-9]+)*$",
        help="What the names of containers begin with, before the server's id, and those of the images kept for them. "
        "Containers of other names are never touched. Servers made under another prefix are not found any more.",
    ),
    cfg.IntOpt(
        "console_log_kb",
        default=1024,
        min=16,
        help="KiB of console output that are kept of each server: what 'openstack console log show' can show.",
    ),
    cfg.HostAddressOpt(
        "serial_listen",
        default="127.0.0.1",
        help="Address on which serial consoles listen, each on a port of its own while its server exists. Whoever "
        "reaches it sees and types: there is no password, the console proxy is what asks for one.",
    ),
    cfg.HostAddressOpt(
        "console_address",
        default="127.0.0.1",
        help="Address of this host as the console proxies reach it.",
    ),
    cfg.StrOpt(
        "metadata_route",
        default="link",
        choices=[
            ("link", "on the server's own network, where the built-in network service answers"),
            ("gateway", "behind the gateway, where a Neutron router answers"),
        ],
        help="Where servers look for the metadata service, 169.254.169.254. They are given addresses and routes as "
        "they start, and have no DHCP client that could ask.",
    ),
    cfg.IntOpt(
        "stop_timeout",
        default=10,
        min=0,
        help="Seconds that a server has to end by itself when it is stopped, before it is killed.",
    ),
    cfg.IntOpt(
        "pids_limit",
        default=1024,
        min=16,
        help="Processes and threads that each server may have.",
    ),
    cfg.BoolOpt(
        "no_new_privileges",
        default=True,
        help="Whether programs in servers are kept from gaining rights by being set-uid. It makes su and sudo useless "
        "to users in the server other than root.",
    ),
    cfg.ListOpt(
        "drop_capabilities",
        default=["MKNOD", "SETFCAP"],
        help="Capabilities that servers lose, of those that Docker leaves a container's root. Without NET_RAW nobody "
        "can ping from a server.",
    ),
    cfg.BoolOpt(
        "limit_disk",
        default=False,
        help="Whether a server's file system is limited to the root disk of its flavor. Docker can do that where its "
        "storage driver is overlay2 on XFS mounted with pquota, btrfs or zfs; elsewhere no server would start. "
        "Without it a flavor's root disk only limits how large an image may be.",
    ),
    cfg.IntOpt(
        "max_image_gb",
        default=64,
        min=1,
        help="Largest image, in GiB, that is made into a server, whatever its flavor; unpacked as well.",
    ),
]
