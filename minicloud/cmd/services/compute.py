# SPDX-License-Identifier: Apache-2.0
"""``minicloud-compute``: one host of a cell."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from minicloud.cmd.services import program


def main(argv: Sequence[str] | None = None) -> int:
    return program.run("minicloud-compute", lambda parts: parts.compute_services(), argv)


if __name__ == "__main__":
    sys.exit(main())
