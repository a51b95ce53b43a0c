# SPDX-License-Identifier: Apache-2.0
"""Moments in time: naive UTC inside, ISO 8601 outside."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """This moment, naive UTC, as all databases and structs keep it."""
    return datetime.now(UTC).replace(tzinfo=None)


def iso_z(moment: datetime | None) -> str | None:
    """``2026-11-21T07:30:18Z``, Nova's and Neutron's form for created and updated."""
    return None if moment is None else f"{moment.isoformat(timespec='seconds')}Z"


def iso_micro(moment: datetime | None) -> str | None:
    """``2026-11-21T07:30:18.000000``, Nova's form for launched_at and events."""
    return None if moment is None else moment.isoformat(timespec="microseconds")


def parse(text: str) -> datetime | None:
    """A moment as clients write it, naive UTC; None when it is not one."""
    try:
        moment = datetime.fromisoformat(
            text.strip().replace(" ", "+") if text.count(" ") == 1 and "T" in text else text
        )
    except ValueError:
        return None
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
