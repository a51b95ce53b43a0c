# SPDX-License-Identifier: Apache-2.0
"""``python -m minicloud.cmd.manage``."""

import sys

from minicloud.cmd.manage import main

sys.exit(main())
