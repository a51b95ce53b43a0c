# SPDX-License-Identifier: Apache-2.0
"""One program of the cloud of many processes that is measured, with counters when they are asked for.

``python -m benchmarks.service NAME ARGUMENTS`` is ``minicloud-NAME ARGUMENTS``.
"""

from __future__ import annotations

import importlib
import sys

# First, as in every program: it chooses native threads.
import minicloud.cmd.backend  # noqa: F401
from benchmarks import counters


def main(name: str, arguments: list[str]) -> int:
    program = importlib.import_module(f"minicloud.cmd.services.{name}")
    counters.install_if_asked()
    return int(program.main(arguments))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
