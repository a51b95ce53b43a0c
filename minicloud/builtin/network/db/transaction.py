# SPDX-License-Identifier: Apache-2.0
"""Work that is one transaction and runs again when it lost a race."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from oslo_db import exception as db_exc
from sqlalchemy.engine import Connection

from minicloud.db.session import Database

T = TypeVar("T")

#: Tries of one piece of work; the later ones choose addresses at random, so that few are needed.
TRIES = 20


def transact(db: Database, work: Callable[[Connection, int], T]) -> T:
    """Run work in one transaction.

    Two that chose the same address, MAC address or default group collide on a unique key;
    the one that lost chooses again.

    :param work: takes the connection and how often it lost already
    :raises DBDuplicateEntry: when it lost every time
    """
    for tried in range(TRIES - 1):
        try:
            with db.writer() as conn:
                return work(conn, tried)
        except (db_exc.DBDuplicateEntry, db_exc.DBDeadlock):
            time.sleep(random.uniform(0.0, 0.002) * 2 ** min(tried, 5))
    with db.writer() as conn:
        return work(conn, TRIES)
