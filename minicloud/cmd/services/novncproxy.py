# SPDX-License-Identifier: Apache-2.0
"""``minicloud-novncproxy``: screens of guests, in browsers."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from minicloud.cmd.services import program
from minicloud.consoles.service import SCREENS


def main(argv: Sequence[str] | None = None) -> int:
    return program.run("minicloud-novncproxy", lambda parts: [parts.console_service(SCREENS)], argv)


if __name__ == "__main__":
    sys.exit(main())
