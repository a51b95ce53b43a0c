# SPDX-License-Identifier: Apache-2.0
"""A process that counts in one row of a cell's database with several threads; run, not imported, by tests."""

from __future__ import annotations

import sys
import threading

from minicloud.db.cell import instances
from minicloud.db.session import Database
from minicloud.web.moments import now


def main(url: str, uuid: str, threads: int, times: int) -> int:
    """:returns: how many additions failed"""
    db = Database(url)
    errors: list[Exception] = []

    def count() -> None:
        for _ in range(times):
            try:
                with db.writer() as conn:
                    instances.change_metadata(conn, uuid, lambda old: {"count": str(int(old["count"]) + 1)}, now())
            except Exception as error:  # whatever it is: the test tells which
                errors.append(error)

    # All processes write at the same time: the test says when.
    print("ready", flush=True)
    sys.stdin.readline()
    workers = [threading.Thread(target=count) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    db.dispose()
    print(*{str(error) for error in errors}, sep="\n")
    return min(len(errors), 100)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
