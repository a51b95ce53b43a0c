# SPDX-License-Identifier: Apache-2.0
"""``python -m minicloud.cmd.status``."""

import sys

from minicloud.cmd.status import main

sys.exit(main())
