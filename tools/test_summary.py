# SPDX-License-Identifier: Apache-2.0
"""Reads a subunit stream on stdin, tells what failed and how, and ends with a line ``N passed, N failed, N skipped``.

Exits with 1 when a test failed, was cut off, or none ran: a run without tests proves nothing.
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any, BinaryIO

import subunit
import testtools

#: What a test's last status counts as; a test that never ended was cut off.
COUNTS = {"success": "passed", "xfail": "passed", "skip": "skipped"}


#: Characters of a failed test's traceback that are shown; its logs are above, where it ran.
SHOWN = 3000


def count(stream: BinaryIO) -> tuple[Counter[str], dict[str, str]]:
    """How many tests of a stream passed, failed and were skipped; the tracebacks of those that failed, by name."""
    totals: Counter[str] = Counter()
    failed: dict[str, str] = {}

    def ended(test: dict[str, Any]) -> None:
        if test["status"] == "exists":
            return
        outcome = COUNTS.get(test["status"], "failed")
        totals[outcome] += 1
        if outcome == "failed":
            failed[str(test["id"])] = _traceback(test["details"])

    result = testtools.StreamToDict(ended)
    result.startTestRun()
    subunit.ByteStreamToStreamResult(stream, non_subunit_name="stdout").run(result)
    result.stopTestRun()
    return totals, failed


def _traceback(details: dict[str, Any]) -> str:
    texts = [content.as_text() for name, content in sorted(details.items()) if name.startswith("traceback")]
    return "\n".join(texts)[-SHOWN:]


def main() -> int:
    totals, failed = count(sys.stdin.buffer)
    for name, traceback in sorted(failed.items()):
        print(f"FAILED: {name}\n{traceback}")
    print(f"{totals['passed']} passed, {totals['failed']} failed, {totals['skipped']} skipped")
    return 1 if totals["failed"] or not totals["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
