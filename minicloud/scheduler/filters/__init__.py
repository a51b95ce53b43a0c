# SPDX-License-Identifier: Apache-2.0
"""Filters, one a file; ``[filter_scheduler] enabled_filters`` names those in use."""

from __future__ import annotations

import importlib
import re

from oslo_config import cfg

from minicloud import exception
from minicloud.scheduler.filters.base import HostFilter


def load(conf: cfg.ConfigOpts) -> list[HostFilter]:
    """The enabled filters, in the order of the option.

    :raises ConfigurationError: for a name that is no filter
    """
    return [_find(name)(conf) for name in conf.filter_scheduler.enabled_filters]


def _find(name: str) -> type[HostFilter]:
    module, _, attribute = name.rpartition(":")
    if not module:  # XyzFilter is in xyz.py
        stem = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.removesuffix("Filter")).lower()
        module, attribute = f"{__name__}.{stem}", name
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise exception.ConfigurationError(reason=f"enabled_filters: {name}: {error}") from None
    if not (isinstance(found, type) and issubclass(found, HostFilter)):
        raise exception.ConfigurationError(reason=f"enabled_filters: {name} is no filter")
    return found
