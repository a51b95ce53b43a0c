# SPDX-License-Identifier: Apache-2.0
"""What the operator tells guests: a file for all of them, and services that are asked for each.

Whatever is wrong with either is logged, and the guest is told the rest: nobody's server fails for it.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from oslo_config import cfg
from oslo_log import log as logging

LOG = logging.getLogger(__name__)

#: Bytes of a service's answer.
_MOST = 1 << 20

#: The file's place in ``vendor_data2.json``.
STATIC = "static"


def static(conf: cfg.ConfigOpts) -> dict[str, Any]:
    """What the file says; empty without one."""
    path = conf.metadata.vendordata_jsonfile_path
    if not path:
        return {}
    try:
        found = json.loads(Path(path).read_bytes())
    except (OSError, ValueError) as error:
        LOG.error("Vendor data in %s cannot be read: %s", path, error)
        return {}
    if not isinstance(found, dict):
        LOG.error("Vendor data in %s is no JSON object", path)
        return {}
    return found


def dynamic(conf: cfg.ConfigOpts, question: Mapping[str, Any]) -> dict[str, Any]:
    """What the services say, by their names.

    :param question: what each is asked
    """
    options = conf.metadata
    found: dict[str, Any] = {}
    for target in options.vendordata_dynamic_targets:
        name, _, url = target.partition("@")
        if not name or urlsplit(url).scheme not in ("http", "https"):
            LOG.error("[metadata] vendordata_dynamic_targets: %r is not name@URL", target)
            continue
        if name in found or name == STATIC:
            LOG.error("[metadata] vendordata_dynamic_targets: the name %r is taken", name)
            continue
        found[name] = _ask(url, question, options.vendordata_dynamic_timeout)
    return found


def _ask(url: str, question: Mapping[str, Any], seconds: int) -> Any:
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    request = urllib.request.Request(url, json.dumps(question).encode(), headers)
    try:
        # The scheme is http or https: see dynamic().
        with urllib.request.urlopen(request, timeout=seconds) as answer:  # nosec B310
            raw = answer.read(_MOST + 1)
        if len(raw) > _MOST:
            raise ValueError(f"the answer has more than {_MOST} bytes")
        return json.loads(raw)
    except (OSError, ValueError) as error:
        LOG.warning("Vendor data of %s is missing: %s", urlsplit(url).hostname, error)
        return {}
