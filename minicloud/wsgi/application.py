# SPDX-License-Identifier: Apache-2.0
"""Making the application that a WSGI server asks one of this package's modules for."""

from __future__ import annotations

import os
from collections.abc import Callable

from oslo_log import log

from minicloud import conf as configuration
from minicloud.cmd.parts import Parts
from minicloud.web.app import Wsgi

#: Names the configuration files.
VARIABLE = "MINICLOUD_CONFIG_FILES"


def make(app: Callable[[Parts], Wsgi], *, alone: bool = False) -> Wsgi:
    """
    :param alone: whether the front end works without other processes' services
    :raises RuntimeError: when it does not and the configuration has it be alone
    """
    files = [path for path in os.environ.get(VARIABLE, "").split(os.pathsep) if path]
    conf = configuration.new(files=files or None)
    # A server may keep stdout for itself.
    conf.set_default("use_stderr", True)
    log.setup(conf, "minicloud")
    parts = Parts(conf)
    if not alone and parts.is_one_process:
        raise RuntimeError(
            "With [DEFAULT] transport_url = local:// nobody hears what this front end asks of the other services. "
            "Give them a broker, such as rabbit://user:password@host/."
        )
    return app(parts)
