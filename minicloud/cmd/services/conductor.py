# SPDX-License-Identifier: Apache-2.0
"""``minicloud-conductor``: keeps a cell's database for its computes."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from minicloud.cmd.services import program


def main(argv: Sequence[str] | None = None) -> int:
    return program.run("minicloud-conductor", lambda parts: [parts.conductor_service()], argv)


if __name__ == "__main__":
    sys.exit(main())
