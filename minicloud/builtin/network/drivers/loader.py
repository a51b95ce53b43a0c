# SPDX-License-Identifier: Apache-2.0
"""Which driver it is."""

from __future__ import annotations

import importlib
import os
from typing import Any

from oslo_config import cfg

from minicloud.builtin.network.drivers.base import Announcer, NetworkDriver, nobody

AGENT = "agent.AgentDriver"
BOOKS = "books.BooksDriver"

#: Packages of compute drivers whose guests have real network devices.
_REAL = ("libvirt", "docker")


def choice(conf: cfg.ConfigOpts) -> str:
    """What ``[network] driver`` says; of "auto", what it means here."""
    if conf.network.driver != "auto":
        return str(conf.network.driver)
    return AGENT if _is_real(conf) and os.geteuid() == 0 else BOOKS


def is_unplugged(conf: cfg.ConfigOpts) -> bool:
    """Whether real guests go without a network, and nobody has said that they shall."""
    return conf.network.driver == "auto" and _is_real(conf) and choice(conf) == BOOKS


def _is_real(conf: cfg.ConfigOpts) -> bool:
    return str(conf.compute_driver).partition(".")[0] in _REAL


def load_driver(conf: cfg.ConfigOpts, announce: Announcer = nobody) -> NetworkDriver:
    """The driver that ``[network] driver`` names.

    :param announce: tells agents, if the driver has some
    """
    name = choice(conf)
    module, _, cls = name.rpartition(".")
    made: Any = getattr(importlib.import_module(f"minicloud.builtin.network.drivers.{module}"), cls)(announce)
    if not isinstance(made, NetworkDriver):
        raise TypeError(f"{name} is no NetworkDriver")
    return made
