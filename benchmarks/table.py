# SPDX-License-Identifier: Apache-2.0
"""The table that benchmarks print, and the same numbers as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    name: str
    value: float
    unit: str
    p95: float | None = None
    #: ms of the cloud's processor time for one of them.
    cpu: float | None = None
    #: The floor it is compared with, in ms, where there is one.
    floor: float | None = None
    aim: str = ""
    #: The longest of several whose median is the value.
    most: float | None = None

    @property
    def ratio(self) -> float | None:
        if not self.floor:
            return None
        return (1000 / self.value if self.unit.endswith("/s") else self.value) / self.floor


def head(second: str = "p95") -> str:
    """
    :param second: what stands beside the value: p95 or max
    """
    return f"{'':<36} {'':>9} {'':<4} {second:>8} {'cpu ms':>8} {'x floor':>8}  aim"


def line(row: Row) -> str:
    beside = row.most if row.p95 is None else row.p95
    second = "" if beside is None else f"{beside:.2f}"
    cpu = "" if row.cpu is None else f"{row.cpu:.2f}"
    ratio = "" if row.ratio is None else f"{row.ratio:.1f}"
    return f"{row.name:<36} {row.value:>9.2f} {row.unit:<4} {second:>8} {cpu:>8} {ratio:>8}  {row.aim}".rstrip()


def write(path: Path, rows: Sequence[Row], counts: Mapping[str, Mapping[str, float]]) -> None:
    """The rows and, by what they are of, the counts."""
    told = [
        {"name": r.name, "value": r.value, "unit": r.unit, "p95": r.p95, "max": r.most, "cpu": r.cpu, "ratio": r.ratio}
        for r in rows
    ]
    path.write_text(json.dumps({"rows": told, "counts": counts}, indent=2))
