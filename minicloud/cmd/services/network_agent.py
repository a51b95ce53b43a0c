# SPDX-License-Identifier: Apache-2.0
"""``minicloud-network-agent``: makes networks real on one host, beside ``minicloud-compute``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from minicloud.cmd.services import program


def main(argv: Sequence[str] | None = None) -> int:
    return program.run("minicloud-network-agent", lambda parts: [parts.network_agent()], argv)


if __name__ == "__main__":
    sys.exit(main())
