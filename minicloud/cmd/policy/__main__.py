# SPDX-License-Identifier: Apache-2.0
"""``python -m minicloud.cmd.policy``."""

import sys

from minicloud.cmd.policy import main

sys.exit(main())
