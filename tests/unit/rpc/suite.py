# SPDX-License-Identifier: Apache-2.0
"""Transports to test on: ``local://`` always, RabbitMQ when one can be reached.

A RabbitMQ test module gets a virtual host of its own where ``rabbitmqctl`` works.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import uuid
from urllib.parse import quote

from oslo_config import cfg

from minicloud import conf as options

BROKER = os.environ.get("MINICLOUD_TEST_RABBIT", "127.0.0.1:5672")


def new_conf() -> cfg.ConfigOpts:
    conf = options.new(files=[])
    conf.set_override("rpc_response_timeout", 10)
    return conf


def local_url() -> str:
    return f"local:///test-{uuid.uuid4().hex}"


def _ctl(*args: str) -> bool:
    command = shutil.which("rabbitmqctl")
    if command is None:
        return False
    done = subprocess.run([command, "-q", *args], capture_output=True, timeout=60, check=False)
    return done.returncode == 0


class RabbitHost:
    """A virtual host for the tests of one class; ``/`` when none can be made."""

    def __init__(self) -> None:
        """:raises OSError: when no broker is there"""
        host, port = BROKER.rsplit(":", 1)
        socket.create_connection((host, int(port)), timeout=2).close()
        name = f"minicloud-test-{uuid.uuid4().hex[:12]}"
        self.is_own = _ctl("add_vhost", name) and _ctl("set_permissions", "-p", name, "guest", ".*", ".*", ".*")
        self.name = name if self.is_own else "/"

    @property
    def url(self) -> str:
        return f"rabbit://guest:guest@{BROKER}/{quote(self.name, safe='')}"

    def remove(self) -> None:
        if self.is_own:
            _ctl("delete_vhost", self.name)
