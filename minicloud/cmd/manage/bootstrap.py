# SPDX-License-Identifier: Apache-2.0
"""``minicloud-manage bootstrap``: a cloud's first start without starting it."""

from __future__ import annotations

import argparse

from oslo_config import cfg

from minicloud.cmd import credentials, first_start, http
from minicloud.cmd.manage.base import Refused
from minicloud.cmd.parts import Parts, close


def bootstrap(conf: cfg.ConfigOpts, args: argparse.Namespace) -> int:
    """Databases, cells, users, images, networks and flavors; what is there stays as it is."""
    try:
        passwords = credentials.load_or_create(conf.state_dir)
    except credentials.CorruptPasswords as error:
        raise Refused(str(error)) from None
    parts = Parts(conf)
    try:
        first_start.prepare(parts, passwords)
    finally:
        close(parts)
    print(f"The cloud is ready to start; clients will find it at {http.public_url(conf)}/identity")
    print(f"Passwords of its users: {conf.state_dir}/passwords.json")
    return 0
