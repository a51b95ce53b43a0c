# SPDX-License-Identifier: Apache-2.0
"""The metadata service for a WSGI server: see :mod:`minicloud.wsgi`."""

from __future__ import annotations

from minicloud.api.metadata.app import make_app
from minicloud.wsgi.application import make

application = make(lambda parts: make_app(parts.deployment))
