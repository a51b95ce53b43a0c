# SPDX-License-Identifier: Apache-2.0
"""From the name in ``[DEFAULT] compute_driver`` to a driver."""

from __future__ import annotations

import importlib
from importlib import metadata

from oslo_config import cfg

from minicloud import exception
from minicloud.virt.driver import ComputeDriver

ENTRY_POINTS = "minicloud.virt.drivers"


def load(conf: cfg.ConfigOpts, host: str) -> ComputeDriver:
    """The driver of a host: ``fake.FakeDriver`` is ``minicloud.virt.fake.FakeDriver``, else an entry point's name.

    :raises ConfigurationError: when there is no such driver
    """
    name: str = conf.compute_driver
    found = _entry_point(name) or _own(name)
    if not (isinstance(found, type) and issubclass(found, ComputeDriver)):
        raise exception.ConfigurationError(reason=f"compute_driver {name} is not a driver")
    return found(conf, host)


def _entry_point(name: str) -> object:
    for entry in metadata.entry_points(group=ENTRY_POINTS, name=name):
        return entry.load()
    return None


def _own(name: str) -> object:
    module, _, attribute = name.rpartition(".")
    try:
        return getattr(importlib.import_module(f"minicloud.virt.{module}"), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise exception.ConfigurationError(reason=f"compute_driver {name} cannot be loaded: {error}") from error
