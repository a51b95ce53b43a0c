# SPDX-License-Identifier: Apache-2.0
"""What the programs of a cloud of many processes have in common: configuration, log, signals."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from oslo_log import log
from oslo_service.service import ServiceBase

from minicloud import conf as configuration
from minicloud.cmd.group import Group
from minicloud.cmd.parts import Parts


def run(prog: str, services: Callable[[Parts], Sequence[ServiceBase]], argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT.

    :param prog: the program's name, which is also that of its configuration file
    :param services: those of this program, in the order of starting
    :param argv: arguments; those of the process when None
    :returns: the exit code
    """
    conf = configuration.new(sys.argv[1:] if argv is None else argv, prog=prog)
    log.setup(conf, "minicloud")

    def reload() -> None:
        conf.mutate_config_files()

    return Group(services(Parts(conf)), on_reload=reload).run()
