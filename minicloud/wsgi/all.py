# SPDX-License-Identifier: Apache-2.0
"""All front ends, each under its prefix, for a WSGI server: see :mod:`minicloud.wsgi`."""

from __future__ import annotations

from minicloud.cmd.parts import Parts
from minicloud.wsgi.application import make

application = make(Parts.all_apps)
