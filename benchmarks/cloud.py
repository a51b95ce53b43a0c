# SPDX-License-Identifier: Apache-2.0
"""The cloud that is measured: everything in one process, with counters when they are asked for.

``python -m benchmarks.cloud CONFIG PORT`` is what ``minicloud up`` starts, less its terminal.
"""

from __future__ import annotations

import sys

# First, as in every program: it chooses native threads.
import minicloud.cmd.backend  # noqa: F401
from benchmarks import counters
from minicloud import conf as options


def main(config: str, port: str) -> int:
    conf = options.new(args=[], files=[config])
    from oslo_log import log

    log.setup(conf, "minicloud")
    # After logging is set up: this imports everything.
    from minicloud.cmd import all_in_one

    counters.install_if_asked()
    return all_in_one.run(conf, all_in_one.Options(bind="127.0.0.1", port=int(port)))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
