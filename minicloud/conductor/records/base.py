# SPDX-License-Identifier: Apache-2.0
"""What the endpoints have in common."""

from __future__ import annotations

import oslo_messaging as messaging

from minicloud.db.session import Database


class Endpoint:
    """Base of the endpoint classes; each names as STUB whose methods it implements, for a test that compares them."""

    target = messaging.Target(version="1.0")

    def __init__(self, db: Database) -> None:
        self._db = db
