# SPDX-License-Identifier: Apache-2.0
"""``minicloud-manage``: databases, cells and hosts, for whoever runs a cloud of many processes."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from minicloud.cmd.manage import commands


def main(argv: Sequence[str] | None = None) -> int:
    """
    :param argv: arguments; those of the process when None
    :returns: the exit code; 255 for what nobody expected
    """
    args = commands.parser().parse_args(argv)
    # After the arguments: --help should not wait for the databases' libraries.
    import minicloud.cmd.backend  # noqa: F401  # native threads, before anything of OpenStack
    from minicloud.cmd.manage.run import run

    module, _, function = args.run.partition(":")
    return run(commands.files(args), lambda conf: getattr(importlib.import_module(module), function)(conf, args))
