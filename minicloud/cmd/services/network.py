# SPDX-License-Identifier: Apache-2.0
"""``minicloud-network``: what compute hosts ask of the built-in network service."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from minicloud.cmd.services import program


def main(argv: Sequence[str] | None = None) -> int:
    return program.run("minicloud-network", lambda parts: [parts.network_service()], argv)


if __name__ == "__main__":
    sys.exit(main())
