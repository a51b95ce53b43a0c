# SPDX-License-Identifier: Apache-2.0
"""``minicloud-api``: the front ends of all services, on one port."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from minicloud.cmd.services import program


def main(argv: Sequence[str] | None = None) -> int:
    return program.run("minicloud-api", lambda parts: [parts.http_service()], argv)


if __name__ == "__main__":
    sys.exit(main())
