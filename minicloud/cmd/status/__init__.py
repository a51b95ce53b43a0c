# SPDX-License-Identifier: Apache-2.0
"""``minicloud-status upgrade check``: may the services be started with this release?"""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """
    :param argv: arguments; those of the process when None
    :returns: 0: yes; 1: look at the warnings first; 2: no; 255: something nobody expected
    """
    import minicloud.cmd.backend  # noqa: F401  # native threads, before anything of OpenStack
    from minicloud.cmd.status.checks import run

    return run(list(sys.argv[1:] if argv is None else argv))
