# SPDX-License-Identifier: Apache-2.0
"""``minicloud-scheduler``: chooses hosts for servers."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from minicloud.cmd.services import program


def main(argv: Sequence[str] | None = None) -> int:
    return program.run("minicloud-scheduler", lambda parts: [parts.scheduler_service()], argv)


if __name__ == "__main__":
    sys.exit(main())
