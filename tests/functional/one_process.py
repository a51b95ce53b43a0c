# SPDX-License-Identifier: Apache-2.0
"""``python -m tests.functional.one_process CONFIG HOSTS``: the whole cloud in one process."""

from __future__ import annotations

import sys

import minicloud.cmd.backend  # noqa: F401  # native threads, before anything else
from minicloud import conf as configuration
from minicloud.cmd import all_in_one

if __name__ == "__main__":
    from oslo_log import log

    conf = configuration.new(files=[sys.argv[1]])
    log.setup(conf, "minicloud")
    sys.exit(all_in_one.run(conf, all_in_one.Options(str(conf.front_end.bind), conf.front_end.port, int(sys.argv[2]))))
