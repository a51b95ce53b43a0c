# SPDX-License-Identifier: Apache-2.0
"""From vm_state and task_state to the status that clients see, and back for filters: one table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from minicloud.states import VM, Task

#: Task states of moves and rebuilds, which have no row in :mod:`minicloud.states` yet.
_REBUILDING: Final = (Task.REBUILDING, "rebuild_block_device_mapping", "rebuild_spawning")
_RESIZING: Final = (Task.RESIZE_PREP, Task.RESIZE_MIGRATING, Task.RESIZE_MIGRATED, Task.RESIZE_FINISH)


def _all(tasks: Iterable[str], status: str) -> dict[str | None, str]:
    return dict.fromkeys(tasks, status)


_REBUILD: Final = _all(_REBUILDING, "REBUILD")
_RESIZE: Final = _all(_RESIZING, "RESIZE")
_MIGRATE: Final[dict[str | None, str]] = {"migrating": "MIGRATING"}

#: vm_state -> (status, task_state -> status where it differs)
STATUSES: Final[dict[str, tuple[str, dict[str | None, str]]]] = {
    VM.ACTIVE: (
        "ACTIVE",
        {
            Task.REBOOTING: "REBOOT",
            "reboot_pending": "REBOOT",
            "reboot_started": "REBOOT",
            Task.REBOOTING_HARD: "HARD_REBOOT",
            "reboot_pending_hard": "HARD_REBOOT",
            "reboot_started_hard": "HARD_REBOOT",
            Task.UPDATING_PASSWORD: "PASSWORD",
            **_REBUILD,
            **_RESIZE,
            **_MIGRATE,
        },
    ),
    VM.BUILDING: ("BUILD", {}),
    VM.STOPPED: ("SHUTOFF", {**_REBUILD, **_RESIZE}),
    VM.RESIZED: ("VERIFY_RESIZE", {Task.RESIZE_REVERTING: "REVERT_RESIZE"}),
    VM.PAUSED: ("PAUSED", _MIGRATE),
    VM.SUSPENDED: ("SUSPENDED", {}),
    VM.RESCUED: ("RESCUE", {}),
    VM.ERROR: ("ERROR", _REBUILD),
    VM.DELETED: ("DELETED", {}),
    VM.SOFT_DELETED: ("SOFT_DELETED", {}),
    VM.SHELVED: ("SHELVED", {}),
    VM.SHELVED_OFFLOADED: ("SHELVED_OFFLOADED", {}),
}

#: Statuses that carry a progress.
WITH_PROGRESS: Final = frozenset({"ACTIVE", "BUILD", "REBUILD", "RESIZE", "VERIFY_RESIZE", "MIGRATING"})
#: Statuses that carry a fault, when there is one.
WITH_FAULT: Final = frozenset({"ERROR", "DELETED"})


class States(NamedTuple):
    """Which vm_state and task_state make a status."""

    vm_state: str
    #: The task states that do; None: all but ``but``.
    tasks: tuple[str, ...] | None
    but: tuple[str, ...] = ()


def of(vm_state: str, task_state: str | None) -> str:
    """The status of a server."""
    found = STATUSES.get(vm_state)
    return "UNKNOWN" if found is None else found[1].get(task_state, found[0])


def states_of(statuses: Iterable[str]) -> list[States]:
    """What a filter by status looks for; statuses that do not exist give nothing."""
    wanted = {status.upper() for status in statuses}
    result = []
    for vm_state, (default, tasks) in STATUSES.items():
        if default in wanted:
            but = [task for task, status in tasks.items() if status not in wanted and task is not None]
            result.append(States(vm_state, None, tuple(but)))
        elif some := [task for task, status in tasks.items() if status in wanted and task is not None]:
            result.append(States(vm_state, tuple(some)))
    return result
